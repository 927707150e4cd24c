// Thread: the test's main thread. A redis-server of its own for one test program, on a Unix socket
// in a temporary folder: no port that could be taken.
// Owns: the process and the folder.
// Ends: its destructor. Where the test crashes, the kernel ends the server, and the folder is left
// for whoever looks into the crash.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "redis/options.h"

namespace sideloop::test {

class RedisServer {
 public:
  // Returns when the server accepts connections. Requires: no other thread runs yet, as it forks.
  RedisServer() {
    std::string folder = (std::filesystem::temp_directory_path() / "sideloop-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    folder_ = folder;
    int output[2];
    if (pipe(output) != 0) throw std::runtime_error("pipe failed");
    const std::string socket = Socket();
    process_ = fork();
    if (process_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(output[1], STDOUT_FILENO);
      close(output[0]);
      close(output[1]);
      execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket.c_str(), "--dir",
             folder_.c_str(), "--save", "", "--appendonly", "no", nullptr);
      _exit(127);
    }
    close(output[1]);
    log_ = fdopen(output[0], "r");
    AwaitReady();
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  ~RedisServer() {
    kill(process_, SIGTERM);
    waitpid(process_, nullptr, 0);
    fclose(log_);
    std::filesystem::remove_all(folder_);
  }

  redis::Options options() const {
    redis::Options options;
    options.path = Socket();
    return options;
  }

 private:
  std::string Socket() const { return folder_ + "/redis.sock"; }

  // The server says so in its log, which ends where it ended itself.
  void AwaitReady() {
    char line[1024];
    while (fgets(line, sizeof(line), log_) != nullptr) {
      // A server that also listens on a port says it with a capital.
      if (std::string_view(line).find("eady to accept connections") != std::string_view::npos)
        return;
    }
    throw std::runtime_error("redis-server did not start: is it installed and on the PATH?");
  }

  std::string folder_;
  pid_t process_ = -1;
  FILE* log_ = nullptr;
};

}  // namespace sideloop::test
