// Thread: loop; Run() on a thread of libuv's pool.
// Owns: the file, a share of the table, the words to JS.
// Ends: when it is over and its file closed, at which it leaves the table.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/annotations.h"
#include "cross/cancel_flag.h"
#include "fs/file.h"
#include "fs/file_table.h"
#include "fs/messenger.h"
#include "fs/pool_job.h"
#include "fs/request.h"

namespace sideloop::fs {

// Something under way on one file.
//
//   Start --> job: open, work --> idle --Proceed--> job: work --> ... --> over, and left the table
//                      |            |                  |           |
//                      +-- Close ---+------------------+--> job: close
//
// Whatever touches the file is a job. Fields without LOOP_ONLY are the job's while it is queued,
// and the loop thread's otherwise.
class Operation : public PoolJob {
 public:
  // Queues the first job. Call once.
  ON_LOOP void Start() { Queue(); }

  // A further request about it, in the order made.
  ON_LOOP virtual void Handle(Request& request) { (void)request; }

  // The rest is not wanted. A job that runs ends at its next look at the flag; then the file is
  // closed.
  ON_LOOP void Close();

  // Whether a stop of the loop has to wait for it: a stream that rests is nobody's business then.
  ON_LOOP bool Busy() const { return queued(); }

 protected:
  Operation(std::shared_ptr<FileTable> table, Request& request);

  // Does what there is to do on the open file, or some of it.
  ON_POOL virtual void Work() = 0;
  // The file is open, says Stat.
  ON_POOL virtual void OnOpened() {}
  // The last word, said once: the file is closed, which gave `close_error`, or was never open.
  // By the loop thread where a job was cancelled before it began.
  ANY_THREAD virtual void TellLast(int close_error) = 0;
  // Before another job: takes what it is to do. False: nothing.
  ON_LOOP virtual bool Prepare() = 0;

  // Queues a job where there is something to do and none is queued.
  ON_LOOP void Proceed();

  // A call failed, which is said. Nothing follows but the closing of the file.
  ON_POOL void Fail(std::int64_t error, Syscall syscall);
  // There is nothing left to do. Nothing follows but the closing of the file.
  ON_POOL void Complete() { over_ = true; }

  bool cancelled() const { return cancelled_.is_set(); }
  bool auto_close() const { return auto_close_; }
  bool over() const { return over_; }
  bool failed() const { return failed_; }
  File& file() { return file_; }
  const File::Info& info() const { return info_; }
  Messenger& messenger() { return messenger_; }

 private:
  ON_POOL void Run() final;
  ON_LOOP void OnRun(bool ran) final;
  ON_POOL bool Open();
  ON_POOL void End();

  const std::shared_ptr<FileTable> table_;
  const std::int64_t id_;
  const std::string path_;
  const int flags_;
  const int mode_;
  const bool auto_close_;
  CancelFlag cancelled_;
  File file_;
  File::Info info_;
  Messenger messenger_;
  bool over_ = false;
  bool failed_ = false;
  bool told_last_ = false;
};

}  // namespace sideloop::fs
