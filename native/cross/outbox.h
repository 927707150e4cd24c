// Thread: crosses: loop threads commit deliveries, one JS thread takes them.
// Owns: the deliveries on their way, and a few spare ones.
// Ends: Close(), by the environment's cleanup hook; a loop thread may hold it longer and finds it
// closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/delivery.h"
#include "cross/mutex.h"

namespace sideloop {

// How a JS thread is woken. Rung under the outbox's mutex and while it is open, so that it never
// touches an environment that is going away.
class Bell {
 public:
  virtual void Ring() = 0;

 protected:
  ~Bell() = default;
};

// Who stopped filling an outbox, and wants to know when there is room again.
class RoomListener {
 public:
  ANY_THREAD virtual void PostRoom() = 0;

 protected:
  ~RoomListener() = default;
};

// The way back to one JS environment. Bytes of replies are held from their commit until their
// delivery is recycled: until then they are memory that nobody has taken over.
//
//              Commit: rings
//   unarmed -------------------> armed     (further commits ride along)
//      ^                           |
//      +----------- Take ----------+
//
// Invariant: Take disarms under the same lock under which it takes, so a commit after it rings
// again.
class Outbox {
 public:
  // Bytes of replies: those for one target, and those for all.
  struct Held {
    std::size_t by_target = 0;
    std::size_t total = 0;
  };

  // `bell` must stay valid until Close() has returned.
  explicit Outbox(Bell& bell);
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // Passes a delivery on and leaves an empty one in its place. After Close it is dropped and freed.
  // Returns what is held with it.
  ANY_THREAD Held Commit(std::unique_ptr<Delivery>& delivery);

  // Has `listener` told, once, when no more than `limits` is held, or when nobody takes anything
  // any more; what it asked before is void.
  // False where that is so now: it will not be told.
  [[nodiscard]] ANY_THREAD bool TellOfRoom(std::uint32_t target, const Held& limits,
                                           std::weak_ptr<RoomListener> listener);

  // Has the JS thread show that it is alive, by coming to Take although nothing may wait.
  ANY_THREAD void AskForLife();
  // When the JS thread was last seen here, in ns of uv_hrtime; when the outbox was made, at first.
  ANY_THREAD std::uint64_t LastSeen();

  // The JS thread is here, whether it takes anything or not.
  ON_JS void ShowLife();

  // Takes all that waits, oldest first.
  ON_JS std::vector<std::unique_ptr<Delivery>> Take();

  // Gives an emptied delivery back for reuse: what it held is taken. Requires: its target is still
  // the one that it was committed for.
  ON_JS void Recycle(std::unique_ptr<Delivery> delivery);

  // From here on nothing rings. Frees what waits, and tells those who wait for room.
  ON_JS void Close();

 private:
  // Spare deliveries kept, and the most bytes one of them may hold on to.
  static constexpr std::size_t kMostSpare = 8;
  static constexpr std::size_t kMostSpareBytes = 256 << 10;

  struct Waiter {
    std::uint32_t target;
    Held limits;
    std::weak_ptr<RoomListener> listener;
  };

  Held HeldBy(std::uint32_t target) const REQUIRES_LOCK(mutex_);
  std::vector<std::shared_ptr<RoomListener>> TakeThoseWithRoom() REQUIRES_LOCK(mutex_);

  Mutex mutex_;
  Bell* bell_ GUARDED_BY(mutex_);  // null: closed
  bool armed_ GUARDED_BY(mutex_) = false;
  std::uint64_t seen_at_ GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Delivery>> waiting_ GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Delivery>> spare_ GUARDED_BY(mutex_);
  std::vector<std::size_t> held_ GUARDED_BY(mutex_);  // by target
  std::size_t held_in_all_ GUARDED_BY(mutex_) = 0;
  std::vector<Waiter> waiters_ GUARDED_BY(mutex_);
};

}  // namespace sideloop
