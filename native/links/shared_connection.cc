#include "links/shared_connection.h"

#include <utility>

#include "links/redis_link.h"

namespace sideloop {

SharedConnection::SharedConnection(std::shared_ptr<EventLoop> loop, redis::Options options)
    : loop_(std::move(loop)),
      options_(std::move(options)),
      direct_(options_.command_timeout_ms),
      resume_(static_cast<SignalListener&>(*this)) {}

bool SharedConnection::TryEnter() {
  MutexLock lock(mutex_);
  if (over_) return false;
  ++entered_;
  return true;
}

redis::Connection& SharedConnection::Made() {
  if (connection_ == nullptr) {
    redis::ConnectionObserver& observer = *this;
    connection_ = std::make_unique<redis::Connection>(loop_->loop(), options_, observer, stats_);
    connection_->set_direct_path(direct_);
    self_ = shared_from_this();
  }
  return *connection_;
}

redis::Connection& SharedConnection::Opened() {
  redis::Connection& connection = Made();
  if (connection.state() == redis::Connection::State::kIdle) connection.Open();
  return connection;
}

bool SharedConnection::TryHearOfResume() {
  return Made().state() != redis::Connection::State::kEnded && resume_.Open(loop_->loop()) == 0;
}

void SharedConnection::PostResume() {
  if (!loop_->InForkedChild()) resume_.Send();
}

void SharedConnection::OnSignal() { connection_->ResumeReplies(); }

void SharedConnection::Add(const std::shared_ptr<RedisLink>& client) {
  if (!last_event_.empty()) client->OnEvent(last_event_, last_arguments_);
  if (Made().state() == redis::Connection::State::kEnded) return;
  clients_.emplace(client.get(), client);
  if (!is_shared()) return;
  // Nobody rests at the expense of others, or waits in nobody's name.
  connection_->ResumeReplies();
  if (connection_->BlocksForNobody()) EndWaits();
}

bool SharedConnection::TryEnd() {
  MutexLock lock(mutex_);
  if (entered_ > 1) return false;
  over_ = true;
  return true;
}

void SharedConnection::Leave(const RedisLink& client) {
  {
    MutexLock lock(mutex_);
    --entered_;
  }
  const auto found = clients_.find(&client);
  if (found == clients_.end()) return;
  // It may be on the stack, told of its last reply.
  loop_->loop().ReleaseLater(std::move(found->second));
  clients_.erase(found);
}

void SharedConnection::EndWaits() {
  Made().Break({ErrorCode::kDisconnected,
                "A command waited at the server for a client that is gone, or has failed, and held "
                "up all who share the connection. So the connection was dropped"});
}

void SharedConnection::OnConnecting() {
  is_up_ = true;
  Tell("connecting", {});
}

void SharedConnection::OnConnected() { Tell("connect", {}); }

void SharedConnection::OnReady(int protocol) { Tell("ready", {std::int64_t{protocol}}); }

void SharedConnection::OnUnready() { Tell("unready", {}); }

void SharedConnection::OnClosed(const Error& why) {
  TellWhy("close", why);
  is_up_ = false;
}

void SharedConnection::OnWaitingFailed(const Error& why) { TellWhy("refused", why); }

void SharedConnection::OnReconnecting(std::uint64_t delay_ms, std::uint32_t attempt) {
  Tell("reconnecting", {static_cast<std::int64_t>(delay_ms), std::int64_t{attempt}});
}

void SharedConnection::OnEnded() {
  resume_.Close();
  {
    MutexLock lock(mutex_);
    over_ = true;
  }
  Tell("end", {});
  // The connection is on the stack: it may go when this callback is over. Until then, and for as
  // long as JS holds a client, it says kClosed to latecomers.
  for (auto& [key, client] : clients_) loop_->loop().ReleaseLater(std::move(client));
  clients_.clear();
  loop_->loop().ReleaseLater(std::move(self_));
}

void SharedConnection::TellWhy(std::string_view event, const Error& why) {
  // Of a copy: who quits leaves when its last command has failed, which it may hear of now.
  const auto clients = clients_;
  for (const auto& [key, client] : clients) client->OnFailed(event, why);
}

void SharedConnection::Tell(std::string_view event,
                            std::initializer_list<ReplyWriter::Argument> arguments) {
  last_event_ = event;
  last_arguments_ = arguments;
  for (const auto& [key, client] : clients_) client->OnEvent(last_event_, last_arguments_);
}

}  // namespace sideloop
