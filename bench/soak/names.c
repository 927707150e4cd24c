/*
 * Preloaded into a process, it answers for names that end with `.soak`: with 127.0.0.1, or as the byte in the file that
 * NAMES_FILE names wills. 1: the resolver fails. 2: it answers when the byte is another one.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*resolver)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static char state(void) {
  char byte = 0;
  const char *path = getenv("NAMES_FILE");
  int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, &byte, 1) != 1) byte = 0;
  if (fd >= 0) close(fd);
  return byte;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
  resolver system = (resolver)dlsym(RTLD_NEXT, "getaddrinfo");
  size_t length = node == NULL ? 0 : strlen(node);
  if (length < 5 || strcmp(node + length - 5, ".soak") != 0) {
    return system(node, service, hints, found);
  }
  while (state() == 2) usleep(20000);
  if (state() == 1) return EAI_AGAIN;
  return system("127.0.0.1", service, hints, found);
}
