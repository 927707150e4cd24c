#include "lease/dedicated_connection.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sideloop::lease {

redis::Options DedicatedOptions(redis::Options client, std::uint64_t silence_ms) {
  client.reconnect = true;
  client.command_timeout_ms = std::nullopt;
  client.silence_timeout_ms = std::min(client.silence_timeout_ms.value_or(silence_ms), silence_ms);
  return client;
}

std::shared_ptr<DedicatedConnection> DedicatedConnection::Open(Loop& loop,
                                                               const redis::Options& options,
                                                               Use use, Owner& owner) {
  auto own = std::make_shared<DedicatedConnection>(loop, options, owner);
  if (own->connection_.state() == redis::Connection::State::kEnded) return nullptr;
  own->self_ = own;
  resp::ReplyTarget& pushes = *own;
  if (use == Use::kSubscription) own->connection_.set_push_target(pushes);
  own->connection_.Open();
  return own;
}

DedicatedConnection::DedicatedConnection(Loop& loop, const redis::Options& options, Owner& owner)
    : loop_(loop),
      owner_(&owner),
      connection_(loop, options, static_cast<redis::ConnectionObserver&>(*this), stats_) {}

void DedicatedConnection::Quit() {
  owner_ = nullptr;
  connection_.Quit();
}

void DedicatedConnection::Close() {
  owner_ = nullptr;
  connection_.Close({ErrorCode::kClosed, "The lease's connection is not needed any more"});
}

void DedicatedConnection::OnReady(int) {
  if (owner_ != nullptr) owner_->OnReady();
}

void DedicatedConnection::OnReconnecting(std::uint64_t, std::uint32_t attempt) {
  if (owner_ != nullptr) owner_->OnDown(why_, attempt);
}

void DedicatedConnection::OnEnded() {
  if (owner_ != nullptr) std::exchange(owner_, nullptr)->OnEnded(why_);
  // The connection is on the stack.
  loop_.ReleaseLater(std::move(self_));
}

bool DedicatedConnection::EndReply() {
  loop_.AssertOnLoop();
  const resp::Reply message = builder_.Take();
  if (owner_ != nullptr) owner_->OnPush(message);
  return false;
}

}  // namespace sideloop::lease
