// The end of a connection by QUIT, which waits for all that was sent before it.
#include <string_view>

#include "redis/connection.h"

namespace sideloop::redis {

void Connection::Quit(resp::ReplyTarget& target) {
  if (!Accepts(1, target)) return;
  CloseDirectPath();
  const std::string_view quit[] = {"QUIT"};
  queue_.AddLast(quit, target, Loop::Now());
  quitting_ = true;
  EndIfOnlyQuitWaits();
  if (state_ == State::kEnded) return;
  loop_.FlushLater(*this);
  // A deadline of its own would settle it while the connection stays, which nobody could end any
  // more. A server that says nothing is given up; one that was told to wait may keep silent.
  if (options_.command_timeout_ms) BoundSilence(*options_.command_timeout_ms);
}

// QUIT has no deadline, and a server may serve nobody for ever. So it is looked at whenever less
// waits than before: what was ahead of it may have failed since it was said.
void Connection::EndIfOnlyQuitWaits() {
  if (!quitting_ || closing_ || state_ == State::kEnded || queue_.is_telling()) return;
  const bool is_ready = state_ == State::kReady;
  if (is_ready && !queue_.BlocksForNobody()) return;
  // What was accepted from those who are gone is sent where that is a matter of connecting.
  const bool drops_abandoned = is_ready || is_putting_off_;
  if (!queue_.OnlyLastWaits(drops_abandoned)) return;
  says_ok_ = true;
  Close({ErrorCode::kClosed, "The client quit"});
}

}  // namespace sideloop::redis
