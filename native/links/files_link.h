// Thread: crosses. What a JS environment has under way on files of one loop: requests become jobs.
// Owns: a share of the loop, and of the table of what is under way.
// Ends: with its last owner, the JS object or a job; the table goes on until all is closed.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cross/attachment.h"
#include "cross/event_loop.h"
#include "cross/outbox.h"
#include "fs/file_table.h"
#include "fs/request.h"

namespace sideloop {

class FilesLink final : public std::enable_shared_from_this<FilesLink>, public Attachment {
 public:
  FilesLink(std::shared_ptr<EventLoop> loop, std::shared_ptr<Outbox> outbox, std::uint32_t target);

  // Queues a job that carries out `requests`, in order. False where the loop takes none: none of
  // them is carried out then. `must`: also where the mailbox is full, for what ends or resumes.
  [[nodiscard]] ANY_THREAD bool PostRequests(std::vector<fs::Request> requests, bool must);

  ANY_THREAD void PostDetach() override;

 private:
  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<fs::FileTable> table_;
};

}  // namespace sideloop
