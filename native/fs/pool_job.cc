#include "fs/pool_job.h"

#include <cassert>
#include <utility>

namespace sideloop::fs {

namespace {
// libuv called Run on one of its threads: that is what the role means.
void AssertOnPool() ASSERTS_ON_POOL;
void AssertOnPool() { assert(Loop::Current() == nullptr); }
}  // namespace

void PoolJob::Queue() {
  assert(self_ == nullptr);
  self_ = shared_from_this();
  uv_queue_work(
      loop_.uv(), &work_,
      [](uv_work_t* work) {
        AssertOnPool();
        static_cast<PoolJob*>(work->data)->Run();
      },
      [](uv_work_t* work, int status) {
        auto* job = static_cast<PoolJob*>(work->data);
        const Loop::Callback callback(job->loop_);
        const std::shared_ptr<PoolJob> self = std::move(job->self_);
        job->OnRun(status != UV_ECANCELED);
      });
}

void PoolJob::TryCancel() {
  if (queued()) uv_cancel(reinterpret_cast<uv_req_t*>(&work_));
}

}  // namespace sideloop::fs
