#include "net/lookup.h"

#include <utility>

namespace sideloop::net {

Lookup::Lookup(Loop& loop, const std::string& host, int port, int family, LookupListener& listener)
    : loop_(loop),
      host_(host),
      port_(port),
      family_(family),
      listener_(listener),
      answered_(static_cast<SignalListener&>(*this)) {}

Lookup::~Lookup() {
  // From here on nobody answers.
  if (question_ != nullptr) question_->Forget();
  answered_.Close();
}

int Lookup::Start() {
  // The system would take what stands before it for the whole name.
  if (host_.find('\0') != host_.npos) return UV_EINVAL;
  if (const int error = answered_.Open(loop_); error != 0) return error;
  Waiter& waiter = *this;
  question_ = Resolver::Shared().Resolve(host_, family_, waiter);
  return 0;
}

// It may destroy this.
void Lookup::OnSignal() {
  auto answer = question_->Take();
  if (!answer) return;
  for (Address& address : answer->addresses) address.set_port(port_);
  listener_.OnResolved(answer->status, std::move(answer->addresses));
}

}  // namespace sideloop::net
