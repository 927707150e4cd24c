// Thread: any.
// Owns: nothing.
#pragma once

#include <string>
#include <string_view>

namespace sideloop {

// How a server refuses a greeting, without the secret that it was given: some servers and proxies
// repeat it. A sentence of Redis's own stays, whatever the secret is: with `***` for each word that
// is also the secret, it would say what the secret is. What stands behind such a sentence, or in
// place of one, is hidden whole where any of the secret is in it. The first word stays, as it tells
// errors apart.
std::string WithoutSecret(std::string_view words, std::string_view secret);

}  // namespace sideloop
