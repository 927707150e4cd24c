#include "net/connector.h"

#include <algorithm>
#include <utility>

namespace sideloop::net {

namespace {

// The first address's family first, then the other, and so on: where one family leads nowhere, the
// second attempt is on the other.
std::vector<Address> Alternating(const std::vector<Address>& addresses) {
  std::vector<Address> first;
  std::vector<Address> second;
  for (const Address& address : addresses) {
    (address.family() == addresses.front().family() ? first : second).push_back(address);
  }
  std::vector<Address> ordered;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) ordered.push_back(first[i]);
    if (i < second.size()) ordered.push_back(second[i]);
  }
  return ordered;
}

std::vector<Address> ParseList(const std::string& list, int port) {
  std::vector<Address> addresses;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    if (auto address = Address::Parse(list.substr(begin, end - begin), port)) {
      addresses.push_back(*address);
    }
    begin = end + 1;
  }
  return addresses;
}

}  // namespace

class Connector::Attempt final : private ConnectListener {
 public:
  Attempt(Connector& connector, Stream::Kind kind, const Address& address)
      : connector_(connector),
        address_(address),
        stream_(std::make_unique<Stream>(connector.loop_, kind)) {}

  ON_LOOP int Bind(const Address& local) { return stream_->Bind(local); }
  ON_LOOP int Start() { return stream_->ConnectTo(address_, *this); }
  ON_LOOP int Start(const std::string& path) { return stream_->ConnectTo(path, *this); }

  const Address& address() const { return address_; }
  std::unique_ptr<Stream> TakeStream() { return std::move(stream_); }

 private:
  ON_LOOP void OnConnected(int status) override { connector_.OnAttempt(*this, status); }

  Connector& connector_;
  const Address address_;
  std::unique_ptr<Stream> stream_;
};

Connector::Connector(Loop& loop, ConnectOptions options, ConnectorListener& listener)
    : loop_(loop), options_(std::move(options)), listener_(listener) {}

Connector::~Connector() = default;

void Connector::Start() {
  if (options_.deadline_ms > 0) {
    deadline_ = std::make_unique<Timer>(loop_, [this] {
      loop_.AssertOnLoop();
      OnDeadline();
    });
    deadline_->Start(options_.deadline_ms);
  }
  if (options_.is_path) return StartPath();
  if (options_.is_list) return Try(ParseList(options_.host, options_.port));
  if (const auto address = Address::Parse(options_.host, options_.port)) return Try({*address});
  LookupListener& listener = *this;
  lookup_ =
      std::make_unique<Lookup>(loop_, options_.host, options_.port, options_.family, listener);
  if (const int error = lookup_->Start(); error != 0) OnResolved(error, {});
}

void Connector::OnResolved(int status, std::vector<Address> addresses) {
  lookup_.reset();
  if (status != 0) return listener_.OnConnectFailed(status, Call::kGetaddrinfo, {});
  if (options_.only_first && addresses.size() > 1) {
    addresses.erase(addresses.begin() + 1, addresses.end());
  }
  for (const Address& address : addresses) listener_.OnAddress(address);
  Try(Alternating(addresses));
}

void Connector::StartPath() {
  Attempt& attempt =
      *attempts_.emplace_back(std::make_unique<Attempt>(*this, Stream::Kind::kPipe, Address()));
  const int error = attempt.Start(options_.host);
  if (error != 0) listener_.OnConnectFailed(error, Call::kConnect, {});
}

void Connector::Try(std::vector<Address> addresses) {
  addresses_ = std::move(addresses);
  if (addresses_.empty()) {
    return listener_.OnConnectFailed(UV_EAI_NODATA, Call::kGetaddrinfo, {});
  }
  TryNext();
}

void Connector::TryNext() {
  for (;;) {
    const Address address = addresses_[next_++];
    Attempt& attempt =
        *attempts_.emplace_back(std::make_unique<Attempt>(*this, Stream::Kind::kTcp, address));
    if (const auto local = LocalFor(address)) {
      const int error = attempt.Bind(*local);
      if (error != 0) return listener_.OnConnectFailed(error, Call::kBind, *local);
    }
    const bool is_last = next_ == addresses_.size();
    const int error = attempt.Start();
    if (error == 0) {
      if (is_last) {
        // It may run still, where an attempt failed before the timer fired.
        next_timer_.reset();
        return;
      }
      if (next_timer_ == nullptr) {
        next_timer_ = std::make_unique<Timer>(loop_, [this] {
          loop_.AssertOnLoop();
          TryNext();
        });
      }
      return next_timer_->Start(options_.attempt_ms);
    }
    attempts_.pop_back();
    listener_.OnAttemptFailed(error, address);
    if (!is_last) continue;
    if (attempts_.empty()) listener_.OnConnectFailed(error, Call::kConnect, address);
    return;
  }
}

std::optional<Address> Connector::LocalFor(const Address& address) const {
  if (!options_.local_host.empty()) return Address::Parse(options_.local_host, options_.local_port);
  if (options_.local_port == 0) return std::nullopt;
  return Address::Parse(address.family() == 6 ? "::" : "0.0.0.0", options_.local_port);
}

void Connector::OnAttempt(Attempt& attempt, int status) {
  if (status == 0) return listener_.OnStream(attempt.TakeStream());
  const Address address = attempt.address();
  std::erase_if(attempts_, [&attempt](const auto& each) { return each.get() == &attempt; });
  listener_.OnAttemptFailed(status, address);
  if (next_ < addresses_.size()) {
    TryNext();
  } else if (attempts_.empty()) {
    listener_.OnConnectFailed(status, Call::kConnect, address);
  }
}

void Connector::OnDeadline() {
  const Address address = attempts_.empty() ? Address() : attempts_.back()->address();
  listener_.OnConnectFailed(UV_ETIMEDOUT, Call::kConnect, address);
}

}  // namespace sideloop::net
