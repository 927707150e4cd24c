// Thread: js, of its environment; Ring() comes from loop threads, under the outbox's mutex.
// Owns: the thread-safe function, the outbox, what it has taken from the outbox and not yet
// settled.
// Ends: Shutdown(), by process.on('exit') or the environment's cleanup hook, whichever comes first.
// The object itself goes with the environment's instance data.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/annotations.h"
#include "base/weak_list.h"
#include "binding/decoder.h"
#include "cross/attachment.h"
#include "cross/event_loop.h"
#include "cross/outbox.h"
#include "resp/stage.h"

namespace sideloop::binding {

// Lifetime rules; each has a test in test/lifecycle:
//   1. All state is per environment, in its instance data: Workers load the addon many times into
//      one process.
//   2. The cleanup hook is registered after the thread-safe function was made, so that it runs
//      before Node takes that away. It closes the outbox first; nobody rings afterwards, and nobody
//      releases the function.
//   3. Then it destroys the environment's loops, and joins them, while all that they might touch is
//      still there.
//   4. process.exit() runs no hook at all, so the exit event does the same as the hook.
//   5. What the environment has on loops of other environments is told to close. Nothing waits for
//      it: its deliveries are dropped from now on.
//   6. The process is kept alive while a referenced target has something pending, and by nothing
//      else of ours.
class Environment final : public Bell {
 public:
  static Environment& Of(napi_env env);

  explicit Environment(Napi::Env env);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  // Takes the functions of lib/binding.ts that settle what comes back. Call once, before anything
  // else.
  ON_JS void Open(Napi::Object hooks);

  // A new number for an object that gets deliveries.
  ON_JS std::uint32_t AddTarget();
  // `count` more settlements are pending for the target.
  ON_JS void Hold(std::uint32_t target, std::uint32_t count);
  // `count` of them are settled.
  ON_JS void Settled(std::uint32_t target, std::uint32_t count);
  // Whether what is pending for the target keeps the process alive. True at first.
  ON_JS void SetReferenced(std::uint32_t target, bool referenced);

  // `loop` is destroyed when the environment ends; at once where it has ended.
  ON_JS void AddLoop(const std::shared_ptr<EventLoop>& loop);
  // `attachment` is told when the environment ends; at once where it has ended.
  ON_JS void AddAttachment(const std::shared_ptr<Attachment>& attachment);
  ON_JS void Shutdown();

  // Settles a bounded number of what has come back. True where more is left: the caller comes
  // again, in a later turn.
  ON_JS bool Drain();

  const std::shared_ptr<Outbox>& outbox() const { return outbox_; }
  const std::shared_ptr<const resp::CommandTable>& commands() const { return commands_; }
  // `names`, each followed by a line end. In one text, as a Worker that is terminated can't read
  // the elements of an array any more.
  ON_JS void SetCommands(std::string_view names);

 private:
  // Commands settled in one JS turn before timers and other I/O get theirs.
  static constexpr std::uint32_t kSettledPerTurn = 2048;

  // How long all loops together may take to end with their environment.
  static constexpr std::uint64_t kShutdownMs = 1000;

  struct Target {
    std::uint64_t pending = 0;
    bool referenced = true;
  };

  void Ring() override;
  static void OnRing(napi_env env, napi_value, void* context, void*);
  static void OnCleanup(void* environment);
  ON_JS void Begin(Delivery& delivery);
  ON_JS std::uint32_t ReadFrom(const Delivery& delivery, std::uint32_t budget);
  ON_JS std::uint32_t SettleFrom(const Delivery& delivery, std::uint32_t budget);
  ON_JS bool CountSettled(const Delivery& delivery, std::uint32_t commands);
  ON_JS void FailUnread(const Delivery& delivery);
  ON_JS std::uint32_t FailOutOfTurn(const Delivery& delivery);
  ON_JS void TellOf(const Delivery& delivery);
  ON_JS std::uint32_t PassFrom(const Delivery& delivery, std::uint32_t budget);
  ON_JS std::string Unreadable() const;
  ON_JS void ThrowUnreadable();
  ON_JS void CallSettle(napi_ref function);
  ON_JS void CallFail(napi_ref function, std::string_view text);
  ON_JS void ChangePending(bool referenced, std::int64_t by);
  ON_JS napi_value NumberOf(std::uint32_t n);

  napi_env env_;
  napi_threadsafe_function bell_rope_ = nullptr;
  std::shared_ptr<Outbox> outbox_;
  DecoderHooks decoder_hooks_{};
  napi_ref settle_ = nullptr;       // (target, ...values)
  napi_ref fail_ = nullptr;         // (target, text)
  napi_ref event_ = nullptr;        // (target, name, arguments)
  napi_ref out_of_turn_ = nullptr;  // (target, ahead, text)
  napi_ref messages_ = nullptr;     // (target, ...values)
  napi_ref later_ = nullptr;        // () => void: call drain() in a later turn
  std::unique_ptr<Decoder> decoder_;
  std::shared_ptr<const resp::CommandTable> commands_ = std::make_shared<resp::CommandTable>();
  WeakList<EventLoop> loops_;
  WeakList<Attachment> attachments_;
  std::vector<Target> targets_;
  std::uint64_t referenced_pending_ = 0;
  std::vector<std::unique_ptr<Delivery>> draining_;
  std::size_t next_delivery_ = 0;
  // Where reading stands in draining_[next_delivery_], and how many commands of it are settled.
  bool is_reading_ = false;
  DeliveryReader reader_;
  std::uint32_t settled_here_ = 0;
  bool later_asked_ = false;
  bool open_ = false;
  std::vector<napi_value> arguments_;
};

}  // namespace sideloop::binding
