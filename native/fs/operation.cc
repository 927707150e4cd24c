#include "fs/operation.h"

#include <utility>

namespace sideloop::fs {

Operation::Operation(std::shared_ptr<FileTable> table, Request& request)
    : PoolJob(table->loop()),
      table_(std::move(table)),
      id_(request.id),
      path_(std::move(request.path)),
      flags_(request.flags),
      mode_(request.mode),
      auto_close_(request.auto_close),
      messenger_(table_->outbox(), table_->target(), request.id) {}

void Operation::Proceed() {
  if (!queued() && !over_ && !cancelled() && Prepare()) Queue();
}

void Operation::Close() {
  if (cancelled()) return;
  cancelled_.Set();
  if (queued()) {
    TryCancel();
  } else {
    Queue();
  }
}

void Operation::Run() {
  if (!cancelled() && !over_ && (file_.is_open() || Open())) Work();
  if (cancelled() || (over_ && (auto_close_ || !file_.is_open()))) End();
  messenger_.Commit();
}

void Operation::OnRun(bool ran) {
  // Nobody else has the file now: a job that was cancelled before it began had none open, or has
  // left it to the next one.
  if (!ran && !file_.is_open() && !told_last_) {
    told_last_ = true;
    TellLast(0);
    messenger_.Commit();
  }
  if (told_last_) {
    table_->Remove(id_);
  } else if (cancelled()) {
    Queue();
  } else {
    Proceed();
  }
}

bool Operation::Open() {
  if (const int error = file_.Open(path_, flags_, mode_); error < 0) {
    Fail(error, Syscall::kOpen);
    return false;
  }
  if (const int error = file_.Stat(info_); error < 0) {
    Fail(error, Syscall::kStat);
    return false;
  }
  OnOpened();
  return !over_;
}

void Operation::End() {
  told_last_ = true;
  TellLast(file_.is_open() ? file_.Close() : 0);
}

void Operation::Fail(std::int64_t error, Syscall syscall) {
  over_ = failed_ = true;
  messenger_.Add(Tell::kFailed, {error, static_cast<std::int64_t>(syscall)});
}

}  // namespace sideloop::fs
