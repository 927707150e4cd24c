#include "base/secret.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sideloop {

namespace {

// What Redis and Valkey say to HELLO, AUTH, CLIENT SETNAME, SELECT and PING, and before they hang
// up, as far as it is always the same (src/acl.c, src/networking.c, src/server.c; the older forms
// are those of Redis 4 to 6). A shorter sentence stands behind the longer one that begins with it.
constexpr std::array kSentences = std::to_array<std::string_view>({
    "WRONGPASS invalid username-password pair or user is disabled.",
    "WRONGPASS invalid username-password pair",
    "NOAUTH Authentication required.",
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
    "<proto> "
    "AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol "
    "version at the same time",
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH "
    "<user> <pass> option can be used to authenticate the client and select the RESP protocol "
    "version at the same time",
    "NOPERM this user has no permissions to run the 'hello' command",
    "NOPERM this user has no permissions to run the 'auth' command",
    "NOPERM this user has no permissions to run the 'select' command",
    "NOPERM this user has no permissions to run the 'ping' command",
    "NOPROTO unsupported protocol version",
    "ERR AUTH <password> called without any password configured for the default user. Are you sure "
    "your configuration is correct?",
    "ERR AUTH <password> called without any password configured for the default user.",
    "ERR Client sent AUTH, but no password is set",
    "ERR Client names cannot contain spaces, newlines or special characters.",
    "ERR DB index is out of range",
    "ERR Syntax error in HELLO option",
    "ERR SELECT is not allowed in cluster mode",
    "ERR invalid DB index",
    "ERR invalid password",
    "ERR max number of clients + cluster connections reached",
    "ERR max number of clients reached",
    "ERR operation not permitted",
    "ERR unknown command 'HELLO', with args beginning with:",
    "ERR unknown command 'AUTH', with args beginning with:",
    "ERR unknown command `HELLO`, with args beginning with:",
    "ERR unknown command `AUTH`, with args beginning with:",
    "ERR unknown command 'HELLO'",
    "ERR unknown command 'AUTH'",
    "ERR unknown command `HELLO`",
    "ERR unknown command `AUTH`",
    "ERR wrong number of arguments for 'hello' command",
    "ERR wrong number of arguments for 'auth' command",
});

// Said before the server has read anything. The rest of it differs from version to version.
constexpr std::string_view kProtectedMode = "DENIED Redis is running in protected mode";

// What is no argument, from the start of a refusal.
std::string_view Explained(std::string_view words) {
  if (words.starts_with(kProtectedMode)) return words;
  for (const std::string_view sentence : kSentences) {
    if (words.starts_with(sentence)) return sentence;
  }
  const std::string_view first = words.substr(0, words.find(' '));
  const bool is_code = std::ranges::all_of(first, [](char c) { return c >= 'A' && c <= 'Z'; });
  return is_code ? first : std::string_view();
}

// A server may cut off or break what it repeats: so many bytes in a row are some of it.
constexpr std::size_t kTelling = 4;

bool HasAnyOf(std::string_view secret, std::string_view words) {
  const std::size_t size = std::min(kTelling, secret.size());
  for (std::size_t at = 0; at + size <= words.size(); ++at) {
    if (secret.find(words.substr(at, size)) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

std::string WithoutSecret(std::string_view words, std::string_view secret) {
  const std::string_view explained = Explained(words);
  const std::string_view rest = words.substr(explained.size());
  const bool are_arguments = explained.ends_with(':') && !rest.empty();
  if (!are_arguments && (secret.empty() || !HasAnyOf(secret, rest))) return std::string(words);
  return std::string(explained) + (explained.empty() ? "***" : " ***");
}

}  // namespace sideloop
