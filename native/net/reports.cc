#include "net/reports.h"

#include <string>
#include <utility>

namespace sideloop::net {

void Reports::Add(Id id, Report report, std::int32_t word) {
  Add(id, report);
  AddWord(word);
}

void Reports::Add(Id id, Report report, std::int32_t word, std::int32_t other) {
  Add(id, report, word);
  AddWord(other);
}

void Reports::AddData(Id id, Chunk& chunk, std::size_t size) {
  Delivery& delivery = writer_.delivery();
  if (size < kLargeFrom) {
    MakeRoom(size);
    Add(id, Report::kData, static_cast<std::int32_t>(size));
    delivery.bytes.append(chunk.data(), size);
    return;
  }
  CloseSlab();
  Add(id, Report::kLarge);
  if (size < kChunkFrom) {
    items_.push_back({Delivery::Kind::kBytes, static_cast<std::uint32_t>(size),
                      static_cast<std::int64_t>(delivery.bytes.size())});
    delivery.bytes.append(chunk.data(), size);
  } else {
    chunk.set_size(size);
    items_.push_back({Delivery::Kind::kChunk, static_cast<std::uint32_t>(size),
                      static_cast<std::int64_t>(delivery.chunks.size())});
    delivery.chunks.push_back(std::move(chunk));
    chunk = Chunk();
  }
}

void Reports::AddError(Id id, int error, Call call, const Address& address) {
  const std::string text = address.text();
  MakeRoom(text.size());
  Add(id, Report::kError, error, static_cast<std::int32_t>(call));
  AddWord(address.family() == 0 ? -1 : address.port());
  AddWord(static_cast<std::int32_t>(text.size()));
  writer_.delivery().bytes.append(text);
}

void Reports::AddAttempt(Id id, int error, const Address& address) {
  const std::string text = address.text();
  MakeRoom(text.size());
  Add(id, Report::kAttempt, error, address.port());
  AddWord(static_cast<std::int32_t>(text.size()));
  writer_.delivery().bytes.append(text);
}

void Reports::AddLookup(Id id, const Address& address) {
  const std::string text = address.text();
  MakeRoom(text.size());
  Add(id, Report::kLookup, address.family(), static_cast<std::int32_t>(text.size()));
  writer_.delivery().bytes.append(text);
}

void Reports::AddConnected(Id id, const Address& local, const Address& peer) {
  AddEndpoints(id, Report::kConnected, local, peer, nullptr);
}

void Reports::AddAccepted(Id listener, Id id, const Address& local, const Address& peer) {
  AddEndpoints(listener, Report::kAccepted, local, peer, &id);
}

void Reports::AddDropped(Id listener, const Address& local, const Address& peer) {
  AddEndpoints(listener, Report::kDropped, local, peer, nullptr);
}

void Reports::AddListening(Id id, const Address& local) {
  const std::string text = local.text();
  MakeRoom(text.size());
  Add(id, Report::kListening);
  AddEndpoint(local, text);
}

void Reports::AddEndpoints(Id id, Report report, const Address& local, const Address& peer,
                           const Id* before) {
  const std::string local_text = local.text();
  const std::string peer_text = peer.text();
  MakeRoom(local_text.size() + peer_text.size());
  Add(id, report);
  if (before != nullptr) AddWord(*before);
  AddEndpoint(local, local_text);
  AddEndpoint(peer, peer_text);
}

void Reports::AddEndpoint(const Address& address, const std::string& text) {
  AddWord(address.family());
  AddWord(address.port());
  AddWord(static_cast<std::int32_t>(text.size()));
  writer_.delivery().bytes.append(text);
}

void Reports::MakeRoom(std::size_t size) {
  if (slab_open_) {
    if (writer_.delivery().bytes.size() - slab_begin_ + size <= kSlabSize) return;
    CloseSlab();
  }
  slab_open_ = true;
  slab_begin_ = writer_.delivery().bytes.size();
  Add(0, Report::kSlab);
}

void Reports::CloseSlab() {
  if (!std::exchange(slab_open_, false)) return;
  items_.push_back({Delivery::Kind::kBytes,
                    static_cast<std::uint32_t>(writer_.delivery().bytes.size() - slab_begin_),
                    static_cast<std::int64_t>(slab_begin_)});
}

void Reports::Commit() {
  if (words_.empty()) return;
  CloseSlab();
  Delivery& delivery = writer_.delivery();
  delivery.AddArray(static_cast<std::int64_t>(1 + items_.size()));
  delivery.AddWords(words_);
  delivery.tokens.insert(delivery.tokens.end(), items_.begin(), items_.end());
  words_.clear();
  items_.clear();
  writer_.Commit();
}

}  // namespace sideloop::net
