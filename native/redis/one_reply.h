// Thread: loop. Who waits for the reply to one command.
// Owns: the reply in the making.
// Ends: by itself, with the reply or the failure; exactly one of them comes.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/annotations.h"
#include "base/error.h"
#include "resp/pairing.h"
#include "resp/reply.h"

namespace sideloop::redis {

// Made by `new` and given to Connection::Send, which may answer it in that very call. What it
// reports to may be gone by then: it is for the derived class to know.
class OneReply : public resp::ReplyTarget {
 public:
  OneReply(const OneReply&) = delete;
  OneReply& operator=(const OneReply&) = delete;

  // resp::ReplyTarget.
  resp::ReplySink& BeginReply(std::uint32_t) final { return builder_; }
  void AbortReply() final { builder_.Take(); }
  bool EndReply() final {
    const std::unique_ptr<OneReply> last(this);
    OnReply(builder_.Take());
    return false;
  }
  bool FailReplies(std::uint32_t, const Error& error) final {
    const std::unique_ptr<OneReply> last(this);
    OnFailure(error);
    return false;
  }

 protected:
  OneReply() = default;
  virtual ~OneReply() = default;

  // The server's reply, which may be an error of its own.
  virtual void OnReply(resp::Reply reply) = 0;
  // There is none.
  virtual void OnFailure(const Error& error) = 0;

 private:
  friend std::default_delete<OneReply>;

  resp::ReplyBuilder builder_;
};

}  // namespace sideloop::redis
