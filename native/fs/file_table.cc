#include "fs/file_table.h"

#include <utility>

#include "cross/chunk_pool.h"
#include "fs/file_reader.h"
#include "fs/file_writer.h"
#include "fs/whole_read.h"
#include "fs/whole_write.h"

namespace sideloop::fs {

namespace {

std::shared_ptr<Operation> Make(std::shared_ptr<FileTable> table, Request& request) {
  switch (request.ask) {
    case Ask::kReadFile:
      return std::make_shared<WholeRead>(std::move(table), request);
    case Ask::kWriteFile:
      return std::make_shared<WholeWrite>(std::move(table), request);
    case Ask::kOpenReader:
      return std::make_shared<FileReader>(std::move(table), request);
    case Ask::kOpenWriter:
      return std::make_shared<FileWriter>(std::move(table), request);
    default:
      return nullptr;
  }
}

}  // namespace

FileTable::FileTable(Loop& loop, std::shared_ptr<Outbox> outbox, std::uint32_t target)
    : loop_(loop), outbox_(std::move(outbox)), target_(target) {}

FileTable::~FileTable() = default;

void FileTable::Handle(std::vector<Request>& requests) {
  if (ended_ || !Register()) return;
  for (Request& request : requests) {
    const auto found = operations_.find(request.id);
    if (found == operations_.end()) {
      // Or it was over before JS heard of it.
      Begin(request);
    } else if (request.ask == Ask::kClose) {
      found->second->Close();
    } else {
      found->second->Handle(request);
    }
  }
}

void FileTable::Begin(Request& request) {
  const std::int64_t id = request.id;
  std::shared_ptr<Operation> operation = Make(shared_from_this(), request);
  if (operation == nullptr) return;
  if (operations_.empty()) idle_timer_->Stop();
  operation->Start();
  operations_.emplace(id, std::move(operation));
}

bool FileTable::Register() {
  if (self_ != nullptr) return true;
  if (!loop_.TryAdd(*this)) {
    CloseBecause(loop_.close_reason());
    return false;
  }
  self_ = shared_from_this();
  idle_timer_ = std::make_unique<Timer>(loop_, [] { ChunkPool::Shared().Trim(); });
  return true;
}

void FileTable::Remove(std::int64_t id) {
  operations_.erase(id);
  if (operations_.empty() && idle_timer_ != nullptr) idle_timer_->Start(kIdleMs);
}

bool FileTable::Busy() {
  for (const auto& [id, operation] : operations_) {
    if (operation->Busy()) return true;
  }
  return false;
}

// JS settles all that it has under way by this one word.
void FileTable::CloseBecause(const Error& why) {
  MessageWriter writer(outbox_, target_);
  writer.delivery().AddArray(2);
  writer.delivery().AddText(Delivery::Kind::kAscii, NameOf(why.code));
  writer.delivery().AddText(Delivery::Kind::kUtf8, why.message);
  writer.Commit();
  CloseAll();
}

void FileTable::Detach() {
  if (self_ != nullptr) loop_.Remove(*this);
  CloseAll();
}

// The jobs that close the files hold on to the table.
void FileTable::CloseAll() {
  ended_ = true;
  idle_timer_.reset();
  ChunkPool::Shared().Trim();
  // Closing takes nothing out of the table before the next callback.
  for (const auto& [id, operation] : operations_) operation->Close();
  if (self_ != nullptr) loop_.ReleaseLater(std::move(self_));
}

}  // namespace sideloop::fs
