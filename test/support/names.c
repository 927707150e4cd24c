// Preloaded into a process whose names somebody else decides: those that end with `.test`. Such a
// name has the addresses of the file that NAMES_FILE names, with commas between, in their order; or
// of SIDELOOP_TEST_ADDRESSES, which the process may change, where there is no such file. Where that
// is `fail` the name server is said to have failed. Where it is `hang` the name does not resolve: not
// before the file says something else, and never by the variable. `hangs*.test` never does either.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*getaddrinfo_type)(const char *, const char *, const struct addrinfo *,
                                struct addrinfo **);

static int ends_with(const char *text, const char *end) {
  size_t length = strlen(text), most = strlen(end);
  return length >= most && strcmp(text + length - most, end) == 0;
}

// What is said of names now. Of a file that can't be read nothing is.
static void look(const char *path, char *words, size_t size) {
  if (path == NULL) {
    const char *given = getenv("SIDELOOP_TEST_ADDRESSES");
    snprintf(words, size, "%s", given == NULL ? "" : given);
    return;
  }
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? 0 : read(fd, words, size - 1);
  words[length < 0 ? 0 : length] = '\0';
  if (fd >= 0) close(fd);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
  getaddrinfo_type system = (getaddrinfo_type)dlsym(RTLD_NEXT, "getaddrinfo");
  if (node == NULL || !ends_with(node, ".test")) return system(node, service, hints, found);
  const char *path = getenv("NAMES_FILE");
  char words[256];
  look(path, words, sizeof(words));
  int never = strncmp(node, "hangs", 5) == 0 || (path == NULL && strcmp(words, "hang") == 0);
  while (never) pause();
  while (strcmp(words, "hang") == 0) {
    usleep(20000);
    look(path, words, sizeof(words));
  }
  if (strcmp(words, "fail") == 0) return EAI_AGAIN;
  char *rest = NULL;
  struct addrinfo numeric = *hints, **end = found;
  numeric.ai_flags |= AI_NUMERICHOST;
  *found = NULL;
  for (char *each = strtok_r(words, ",", &rest); each; each = strtok_r(NULL, ",", &rest)) {
    if (system(each, service, &numeric, end) == 0) end = &(*end)->ai_next;
  }
  return *found == NULL ? EAI_NONAME : 0;
}
