#include "net/connector.h"

#include <algorithm>
#include <utility>

#include "cross/resolver.h"

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
  if (options_.book == BookUse::kTry) TryRemembered();
  if (const int error = lookup_->Start(); error != 0) OnResolved(error, {});
}

// ---- The name ----

void Connector::OnResolved(int status, std::vector<Address> addresses) {
  lookup_.reset();
  if (status == 0 && addresses.empty()) status = UV_EAI_NODATA;
  // That a name has no addresses is an answer too.
  const bool has_none = status == UV_EAI_NONAME || status == UV_EAI_NODATA;
  if (status != 0 && !has_none) return OnUnresolved(status);
  if (options_.book != BookUse::kNone) Resolver::Shared().book().Retain(NameInBook(), addresses);
  const auto is_gone = [&addresses](const Address& address) {
    return std::find(addresses.begin(), addresses.end(), address) == addresses.end();
  };
  const bool is_remembered_gone = remembered_.family() != 0 && is_gone(remembered_);
  if (is_handed_over_) {
    if (is_remembered_gone) listener_.OnMoved();
    return;
  }
  std::erase_if(attempts_, [&](const auto& attempt) { return is_gone(attempt->address()); });
  if (kept_back_ != nullptr && !is_remembered_gone) return HandOver();
  confirm_timer_.reset();
  kept_back_.reset();
  if (has_none) return listener_.OnConnectFailed(status, Call::kGetaddrinfo, {});
  if (options_.only_first && addresses.size() > 1) {
    addresses.erase(addresses.begin() + 1, addresses.end());
  }
  for (const Address& address : addresses) listener_.OnAddress(address);
  TryRestOf(Alternating(addresses));
}

// Nobody knows better than the book.
void Connector::OnUnresolved(int error) {
  if (is_handed_over_) return;
  if (kept_back_ != nullptr) return HandOver();
  failure_ = {error, Call::kGetaddrinfo, {}};
  if (attempts_.empty()) OnAllFailed();
}

// ---- The book ----

AddressBook::Name Connector::NameInBook() const {
  return {options_.host, options_.port, options_.family};
}

void Connector::TryRemembered() {
  addresses_ = Resolver::Shared().book().Find(NameInBook());
  if (!addresses_.empty()) TryNext();
}

// The answer is to be waited for, but not for long.
void Connector::KeepBack(std::unique_ptr<Stream> stream, const Address& address) {
  attempts_.clear();
  next_timer_.reset();
  next_ = addresses_.size();
  kept_back_ = std::move(stream);
  remembered_ = address;
  confirm_timer_ = std::make_unique<Timer>(loop_, [this] {
    loop_.AssertOnLoop();
    HandOver();
  });
  confirm_timer_->Start(options_.confirm_ms);
}

void Connector::HandOver() {
  confirm_timer_.reset();
  deadline_.reset();
  is_handed_over_ = true;
  listener_.OnStream(std::move(kept_back_));
}

// ---- The attempts ----

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

// Of the addresses of the name, those that were not tried while it was being resolved.
void Connector::TryRestOf(std::vector<Address> addresses) {
  const auto tried_end = addresses_.begin() + static_cast<std::ptrdiff_t>(next_);
  const std::vector<Address> tried(addresses_.begin(), tried_end);
  std::erase_if(addresses, [&tried](const Address& each) {
    return std::find(tried.begin(), tried.end(), each) != tried.end();
  });
  next_timer_.reset();
  addresses_ = std::move(addresses);
  next_ = 0;
  if (addresses_.empty()) {
    if (attempts_.empty()) OnAllFailed();
    return;
  }
  if (attempts_.empty()) return TryNext();
  const std::uint64_t waited_ms = uv_now(loop_.uv()) - last_began_at_;
  TryNextIn(options_.attempt_ms - std::min(waited_ms, options_.attempt_ms));
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
    last_began_at_ = uv_now(loop_.uv());
    const int error = attempt.Start();
    if (error == 0) {
      // It may run still, where an attempt failed before the timer fired.
      if (is_last) return next_timer_.reset();
      return TryNextIn(options_.attempt_ms);
    }
    attempts_.pop_back();
    NoteFailure(error, address);
    if (!is_last) continue;
    if (attempts_.empty()) OnAllFailed();
    return;
  }
}

void Connector::TryNextIn(std::uint64_t ms) {
  if (next_timer_ == nullptr) {
    next_timer_ = std::make_unique<Timer>(loop_, [this] {
      loop_.AssertOnLoop();
      TryNext();
    });
  }
  next_timer_->Start(ms);
}

std::optional<Address> Connector::LocalFor(const Address& address) const {
  if (!options_.local_host.empty()) return Address::Parse(options_.local_host, options_.local_port);
  if (options_.local_port == 0) return std::nullopt;
  return Address::Parse(address.family() == 6 ? "::" : "0.0.0.0", options_.local_port);
}

void Connector::OnAttempt(Attempt& attempt, int status) {
  const Address address = attempt.address();
  if (status == 0) {
    std::unique_ptr<Stream> stream = attempt.TakeStream();
    if (lookup_ != nullptr) return KeepBack(std::move(stream), address);
    return listener_.OnStream(std::move(stream));
  }
  std::erase_if(attempts_, [&attempt](const auto& each) { return each.get() == &attempt; });
  NoteFailure(status, address);
  if (next_ < addresses_.size()) {
    TryNext();
  } else if (attempts_.empty()) {
    OnAllFailed();
  }
}

// Where the name could not be resolved, that is what failed in the end.
void Connector::NoteFailure(int error, const Address& address) {
  if (failure_.call != Call::kGetaddrinfo) failure_ = {error, Call::kConnect, address};
  listener_.OnAttemptFailed(error, address);
}

// None is left to try, unless an answer that is still to come has another.
void Connector::OnAllFailed() {
  if (lookup_ != nullptr) return;
  const Failure failure = failure_;  // the listener may destroy this, and reads it after that
  listener_.OnConnectFailed(failure.error, failure.call, failure.address);
}

void Connector::OnDeadline() {
  if (kept_back_ != nullptr) return HandOver();
  const Address address = attempts_.empty() ? Address() : attempts_.back()->address();
  listener_.OnConnectFailed(UV_ETIMEDOUT, Call::kConnect, address);
}

std::vector<Address> Connector::Trying() const {
  std::vector<Address> trying;
  for (const auto& attempt : attempts_) trying.push_back(attempt->address());
  return trying;
}

}  // namespace sideloop::net
