// Thread: any. What an error of the server's means for who asked: pure, by its first word.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sideloop::resp {

enum class Refusal : std::uint8_t {
  kNo,            // The command is wrong here and always: WRONGTYPE, ERR, NOSCRIPT, BUSYGROUP.
  kNotNow,        // The server can't for a while: the same command may be asked again.
  kNotHere,       // Another server has it: MOVED, ASK, and what a replica says to a write.
  kNotPermitted,  // Whoever asks must be somebody else: NOAUTH, WRONGPASS, NOPERM, DENIED.
};

// Said by a server that has no room, before it hangs up: it answers no command.
constexpr bool IsFull(std::string_view error) {
  return error.starts_with("ERR max number of clients");
}

// Said by a server that serves nobody yet, whatever is asked.
constexpr bool IsNotReady(std::string_view error) {
  const std::string_view word = error.substr(0, error.find(' '));
  return word == "LOADING" || word == "MASTERDOWN";
}

// Whether these are the very words in which a server that serves nobody yet refuses a command
// before it looks at it. A script may say of itself what begins like them, when it has run.
constexpr bool IsHeldBack(std::string_view error) {
  constexpr std::string_view kLoading = "LOADING ";
  if (error.starts_with(kLoading)) {
    // In between stands the name of the product.
    const std::string_view rest = error.substr(kLoading.size());
    const std::size_t name = rest.find(' ');
    return name != 0 && name != rest.npos &&
           rest.substr(name) == " is loading the dataset in memory";
  }
  return error ==
             "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'." ||
         error ==
             "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and "
             "'allow-stale' flag is not set on the script." ||
         error == "MASTERDOWN Link with MASTER is down and slave-serve-stale-data is set to 'no'.";
}

// `error` is the text behind the minus sign. The words are those of Redis 7 and 8 and Valkey 8
// (src/server.c, createSharedObjects; src/networking.c for what is said before hanging up).
// Nothing ran in any case but kNo, where a script may have stopped half way.
constexpr Refusal RefusalOf(std::string_view error) {
  struct Known {
    std::string_view word;
    Refusal refusal;
  };
  constexpr std::array kKnown = {
      Known{"LOADING", Refusal::kNotNow},         Known{"BUSY", Refusal::kNotNow},
      Known{"MASTERDOWN", Refusal::kNotNow},      Known{"TRYAGAIN", Refusal::kNotNow},
      Known{"CLUSTERDOWN", Refusal::kNotNow},     Known{"OOM", Refusal::kNotNow},
      Known{"MISCONF", Refusal::kNotNow},         Known{"NOREPLICAS", Refusal::kNotNow},
      Known{"MOVED", Refusal::kNotHere},          Known{"ASK", Refusal::kNotHere},
      Known{"READONLY", Refusal::kNotHere},       Known{"UNBLOCKED", Refusal::kNotHere},
      Known{"REDIRECT", Refusal::kNotHere},       Known{"NOAUTH", Refusal::kNotPermitted},
      Known{"WRONGPASS", Refusal::kNotPermitted}, Known{"NOPERM", Refusal::kNotPermitted},
      Known{"DENIED", Refusal::kNotPermitted},
  };
  const std::string_view word = error.substr(0, error.find(' '));
  for (const Known& known : kKnown) {
    if (word == known.word) return known.refusal;
  }
  return IsFull(error) ? Refusal::kNotNow : Refusal::kNo;
}

}  // namespace sideloop::resp
