// Thread: any. The ids of stream entries, as texts: `<ms>-<number>`.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace sideloop::lease {

// Nothing where it is none.
inline std::optional<std::pair<std::uint64_t, std::uint64_t>> EntryIdOf(std::string_view text) {
  std::pair<std::uint64_t, std::uint64_t> id;
  const char* const end = text.data() + text.size();
  const auto [dash, no_ms] = std::from_chars(text.data(), end, id.first);
  if (no_ms != std::errc() || dash == end || *dash != '-') return std::nullopt;
  const auto [rest, no_number] = std::from_chars(dash + 1, end, id.second);
  if (no_number != std::errc() || rest != end) return std::nullopt;
  return id;
}

// Whoever pages through a stream goes on only where the server has brought it further: one that
// answers nonsense would be asked for ever.
inline bool IsBehind(std::string_view id, std::string_view other) {
  const auto parsed = EntryIdOf(id);
  return parsed && parsed > EntryIdOf(other).value_or(std::pair<std::uint64_t, std::uint64_t>());
}

}  // namespace sideloop::lease
