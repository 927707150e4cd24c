// Thread: any. Owns: nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sideloop {

// What a server says, without the secret that it was given: some servers and proxies repeat it. The
// first word stays, as it tells errors apart.
inline std::string WithoutSecret(std::string_view words, std::string_view secret) {
  constexpr std::string_view kHidden = "***";
  std::string rest(words);
  std::size_t at = rest.find(' ');
  if (secret.empty() || at == std::string::npos) return rest;
  while ((at = rest.find(secret, at)) != std::string::npos) {
    rest.replace(at, secret.size(), kHidden);
    at += kHidden.size();
  }
  return rest;
}

}  // namespace sideloop
