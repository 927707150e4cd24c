// Thread: the one that constructs it; it runs the loop itself. libhiredis's asynchronous API on its
// own libuv adapter. Two forms: each command encoded when it is sent (as sideloop does), and each
// encoded once beforehand, which is the least that hiredis can cost.
#pragma once

#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <uv.h>

#include <string>
#include <vector>

#include "closed_loop.h"

namespace sideloop::bench {

class HiredisClient {
 public:
  using Run = ClosedLoop<HiredisClient>;

  HiredisClient(int port, bool preformatted) : preformatted_(preformatted) {
    uv_loop_init(&loop_);
    context_ = redisAsyncConnect("127.0.0.1", port);
    if (context_ == nullptr || context_->err != 0) Fail("hiredis could not connect.");
    context_->data = this;
    redisLibuvAttach(context_, &loop_);
    redisAsyncSetConnectCallback(context_, &OnConnect);
  }
  HiredisClient(const HiredisClient&) = delete;
  HiredisClient& operator=(const HiredisClient&) = delete;

  void Execute(Run& run) {
    run_ = &run;
    for (const std::string& key : run.keyspace().keys) {
      commands_.push_back("*2\r\n$3\r\nGET\r\n$" + std::to_string(key.size()) + "\r\n" + key +
                          "\r\n");
    }
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

  void Send(Run::Slot& slot, std::size_t index) {
    if (preformatted_) {
      const std::string& command = commands_[index];
      redisAsyncFormattedCommand(context_, &OnReply, &slot, command.data(), command.size());
      return;
    }
    const std::string& key = run_->keyspace().keys[index];
    const char* arguments[] = {"GET", key.data()};
    const std::size_t lengths[] = {3, key.size()};
    redisAsyncCommandArgv(context_, &OnReply, &slot, 2, arguments, lengths);
  }

 private:
  static void OnConnect(const redisAsyncContext* context, int status) {
    if (status != REDIS_OK) Fail(std::string("hiredis: ") + context->errstr);
    static_cast<HiredisClient*>(context->data)->run_->Start();
  }

  static void OnReply(redisAsyncContext* context, void* raw_reply, void* slot) {
    const auto* reply = static_cast<redisReply*>(raw_reply);
    if (reply == nullptr || reply->type != REDIS_REPLY_STRING) Fail("hiredis: not a string.");
    auto* self = static_cast<HiredisClient*>(context->data);
    const bool last = self->run_->OnReply(*static_cast<Run::Slot*>(slot),
                                          {reply->str, static_cast<std::size_t>(reply->len)});
    if (last) redisAsyncDisconnect(context);
  }

  const bool preformatted_;
  uv_loop_t loop_;
  redisAsyncContext* context_ = nullptr;
  Run* run_ = nullptr;
  std::vector<std::string> commands_;
};

}  // namespace sideloop::bench
