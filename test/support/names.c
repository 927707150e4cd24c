// Preloaded into a process whose names a test decides: `hangs*.test` never resolves, and any other
// that ends with `.test` has the addresses of SIDELOOP_TEST_ADDRESSES, with commas between, in their
// order. Where that is `hang` it does not resolve either, and where it is `fail` the name server is
// said to have failed. The process may change it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*getaddrinfo_type)(const char *, const char *, const struct addrinfo *,
                                struct addrinfo **);

static int ends_with(const char *text, const char *end) {
  size_t length = strlen(text), most = strlen(end);
  return length >= most && strcmp(text + length - most, end) == 0;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
  getaddrinfo_type system = (getaddrinfo_type)dlsym(RTLD_NEXT, "getaddrinfo");
  if (node == NULL || !ends_with(node, ".test")) return system(node, service, hints, found);
  const char *given = getenv("SIDELOOP_TEST_ADDRESSES");
  if (strncmp(node, "hangs", 5) == 0 || (given != NULL && strcmp(given, "hang") == 0)) {
    for (;;) pause();
  }
  if (given != NULL && strcmp(given, "fail") == 0) return EAI_AGAIN;
  char *addresses = strdup(given == NULL ? "" : given), *rest = NULL;
  struct addrinfo numeric = *hints, **end = found;
  numeric.ai_flags |= AI_NUMERICHOST;
  *found = NULL;
  for (char *each = strtok_r(addresses, ",", &rest); each; each = strtok_r(NULL, ",", &rest)) {
    if (system(each, service, &numeric, end) == 0) end = &(*end)->ai_next;
  }
  free(addresses);
  return *found == NULL ? EAI_NONAME : 0;
}
