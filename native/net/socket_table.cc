#include "net/socket_table.h"

#include <cassert>
#include <string>
#include <utility>

namespace sideloop::net {

// Reads a batch: words, and the bytes that they speak of.
class SocketTable::CommandReader {
 public:
  explicit CommandReader(const CommandBatch& batch)
      : words_(batch.words), bytes_(batch.bytes.view()) {}

  bool at_end() const { return next_ == words_.size(); }
  std::int32_t Word() {
    assert(!at_end());
    return words_[next_++];
  }
  std::string_view Bytes(std::int32_t size) {
    assert(size >= 0 && static_cast<std::size_t>(size) <= bytes_.size());
    const std::string_view bytes = bytes_.substr(0, static_cast<std::size_t>(size));
    bytes_.remove_prefix(bytes.size());
    return bytes;
  }
  std::string Text(std::int32_t size) { return std::string(Bytes(size)); }

 private:
  const std::vector<std::int32_t>& words_;
  std::string_view bytes_;
  std::size_t next_ = 0;
};

SocketTable::SocketTable(Loop& loop, MessageWriter writer, Job ended)
    : loop_(loop), reports_(std::move(writer)), ended_(std::move(ended)) {
  open_ = loop_.TryAdd(*this);
}

SocketTable::~SocketTable() = default;

Reports& SocketTable::Reporting() {
  if (open_) loop_.FlushLater(*this);
  return reports_;
}

uv_buf_t SocketTable::ReadRoom() {
  if (scratch_.capacity() == 0) scratch_ = Chunk(kReadSize);
  return uv_buf_init(scratch_.data(), static_cast<unsigned>(scratch_.capacity()));
}

void SocketTable::Run(const CommandBatch& batch) {
  CommandReader reader(batch);
  while (open_ && !reader.at_end()) RunOne(reader);
}

void SocketTable::RunOne(CommandReader& reader) {
  const std::int32_t head = reader.Word();
  const Id id = head >> kKindBits;
  Slot& slot = SlotOf(id);
  // What JS says of something that is closed already is read and dropped.
  Socket* const socket = slot.socket.get();
  switch (static_cast<Command>(head & ((1 << kKindBits) - 1))) {
    case Command::kWrite: {
      const std::string_view bytes = reader.Bytes(reader.Word());
      if (socket != nullptr) socket->Write(bytes);
      break;
    }
    case Command::kAcknowledge: {
      const std::int32_t count = reader.Word();
      if (socket != nullptr) socket->Acknowledge(static_cast<std::size_t>(count));
      if (slot.listener != nullptr) slot.listener->Acknowledge(count);
      break;
    }
    case Command::kShutdown:
      if (socket != nullptr) socket->Shutdown();
      break;
    case Command::kClose:
      Close(id, reader.Word() != 0);
      break;
    case Command::kForget:
      free_ids_.push_back(id);
      break;
    case Command::kConnect:
      Connect(id, reader);
      break;
    case Command::kListen:
      Listen(id, reader);
      break;
    case Command::kNoDelay: {
      const bool on = reader.Word() != 0;
      if (socket != nullptr) socket->SetNoDelay(on);
      break;
    }
    case Command::kKeepAlive: {
      const bool on = reader.Word() != 0;
      const auto seconds = static_cast<unsigned>(reader.Word());
      if (socket != nullptr) socket->SetKeepAlive(on, seconds);
      break;
    }
    case Command::kTimeout: {
      const auto ms = static_cast<std::uint64_t>(reader.Word());
      if (socket != nullptr) socket->SetTimeout(ms);
      break;
    }
    case Command::kMaxConnections: {
      const int most = reader.Word();
      if (slot.listener != nullptr) slot.listener->set_most_connections(most);
      break;
    }
  }
}

void SocketTable::Connect(Id id, CommandReader& reader) {
  ConnectOptions options;
  const std::int32_t flags = reader.Word();
  options.family = flags & kFamilyMask;
  options.is_path = (flags & kIsPath) != 0;
  options.is_list = (flags & kIsList) != 0;
  options.only_first = (flags & kOnlyFirst) != 0;
  options.port = reader.Word();
  options.deadline_ms = static_cast<std::uint64_t>(reader.Word());
  options.attempt_ms = static_cast<std::uint64_t>(reader.Word());
  options.host = reader.Text(reader.Word());
  options.local_port = reader.Word();
  options.local_host = reader.Text(reader.Word());
  Slot& slot = SlotOf(id);
  slot.socket = std::make_unique<Socket>(*this, id);
  slot.socket->set_paused((flags & kPaused) != 0);
  slot.socket->Connect(std::move(options));
}

void SocketTable::Listen(Id id, CommandReader& reader) {
  ListenOptions options;
  const std::int32_t flags = reader.Word();
  options.is_path = (flags & kIsPath) != 0;
  options.paused = (flags & kPaused) != 0;
  options.ipv6_only = (flags & kIpv6Only) != 0;
  options.readable_all = (flags & kReadableAll) != 0;
  options.writable_all = (flags & kWritableAll) != 0;
  options.port = reader.Word();
  options.backlog = reader.Word();
  options.most_connections = reader.Word();
  options.host = reader.Text(reader.Word());
  Slot& slot = SlotOf(id);
  slot.listener = std::make_unique<Listener>(*this, id, std::move(options));
  slot.listener->Start();
}

void SocketTable::Adopt(Id listener, std::unique_ptr<Stream> stream, std::shared_ptr<int> open,
                        bool paused) {
  const Id id = NewId();
  Reporting().AddAccepted(listener, id, stream->local(), stream->peer());
  Slot& slot = SlotOf(id);
  slot.socket = std::make_unique<Socket>(*this, id);
  slot.socket->set_paused(paused);
  slot.socket->Adopt(std::move(stream), std::move(open));
}

void SocketTable::Close(Id id, bool with_reset) {
  Slot& slot = SlotOf(id);
  if (slot.socket == nullptr && slot.listener == nullptr) return;
  if (with_reset && slot.socket != nullptr) slot.socket->Reset();
  slot = {};
  Reporting().Add(id, Report::kClosed, 0, 0);
}

bool SocketTable::Busy() {
  for (const Slot& slot : slots_) {
    if (slot.socket != nullptr && slot.socket->Busy()) return true;
  }
  return false;
}

void SocketTable::CloseBecause(const Error& why) {
  open_ = false;
  const int reason = why.code == ErrorCode::kDestroyed ? 2 : 1;
  for (Id id = 0; static_cast<std::size_t>(id) < slots_.size(); ++id) {
    Slot& slot = slots_[static_cast<std::size_t>(id)];
    if (slot.socket == nullptr && slot.listener == nullptr) continue;
    const bool lost = slot.socket != nullptr && (slot.socket->connecting() || slot.socket->Busy());
    slot = {};
    reports_.Add(id, Report::kClosed, reason, lost ? 1 : 0);
  }
  reports_.Add(kTableId, Report::kClosed, reason, 0);
  reports_.Commit();
  ended_();
}

void SocketTable::Abandon() {
  if (!std::exchange(open_, false)) return;
  loop_.Remove(*this);
  slots_.clear();
  ended_();
}

SocketTable::Slot& SocketTable::SlotOf(Id id) {
  const auto index = static_cast<std::size_t>(id);
  if (index >= slots_.size()) slots_.resize(index + 1);
  return slots_[index];
}

Id SocketTable::NewId() {
  if (!free_ids_.empty()) {
    const Id id = free_ids_.back();
    free_ids_.pop_back();
    return id;
  }
  const Id id = next_id_;
  next_id_ += 2;
  return id;
}

}  // namespace sideloop::net
