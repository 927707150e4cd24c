#include "binding/files_wrap.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "binding/environment.h"
#include "binding/loop_wrap.h"

namespace sideloop::binding {

namespace {

// Node called on the environment's thread: that is what the role means.
void AssertOnJs() ASSERTS_ON_JS;
void AssertOnJs() {}

// Asked of this side alone; the numbers go on from those of fs::Ask.
constexpr int kTaken = 9;    // JS has taken so many bytes of a stream
constexpr int kForget = 10;  // the stream is closed

}  // namespace

// What lib/fs/file-stage.ts has gathered: numbers, and the texts and bytes that go with them.
class FilesWrap::Stage {
 public:
  Stage(const double* numbers, Napi::Array values) : numbers_(numbers), values_(values) {}

  std::int64_t Number() { return static_cast<std::int64_t>(numbers_[at_++]); }
  std::uint32_t position() const { return at_; }

  // A path: text, or the bytes of one that is not UTF-8.
  std::string Path() {
    const Napi::Value value = values_.Get(next_value_++);
    if (value.IsString()) return value.As<Napi::String>().Utf8Value();
    const auto bytes = value.As<Napi::Uint8Array>();
    return {reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()};
  }

  // The only copy on the way to the disk: memory of JS goes away with its Worker, at any moment.
  void Data(fs::Request& request) {
    const auto bytes = values_.Get(next_value_++).As<Napi::Uint8Array>();
    const std::size_t size = bytes.ByteLength();
    if (size == 0) return;
    request.data = Chunk(size);
    request.lacks_data = request.data.capacity() == 0;
    if (request.lacks_data) return;
    std::memcpy(request.data.data(), bytes.Data(), size);
    request.data.set_size(size);
  }

 private:
  const double* const numbers_;
  const Napi::Array values_;
  std::uint32_t at_ = 0;
  std::uint32_t next_value_ = 0;
};

Napi::Function FilesWrap::Define(Napi::Env env) {
  return DefineClass(env, "FilesWrap",
                     {
                         InstanceAccessor("target", &FilesWrap::GetTarget, nullptr),
                         InstanceMethod("submit", &FilesWrap::Submit),
                     });
}

FilesWrap::FilesWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  AssertOnJs();
  Environment& environment = Environment::Of(info.Env());
  const LoopWrap* loop = LoopWrap::Unwrap(info[0].As<Napi::Object>());
  target_ = environment.AddTarget();
  link_ = std::make_shared<FilesLink>(loop->loop(), environment.outbox(), target_);
  environment.AddAttachment(link_);
}

Napi::Value FilesWrap::GetTarget(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), target_);
}

// (numbers: Float64Array, length: number, values: (string | Uint8Array)[]): boolean
Napi::Value FilesWrap::Submit(const Napi::CallbackInfo& info) {
  AssertOnJs();
  const std::uint32_t length = info[1].As<Napi::Number>().Uint32Value();
  Stage stage(info[0].As<Napi::Float64Array>().Data(), info[2].As<Napi::Array>());
  std::vector<fs::Request> requests;
  while (stage.position() < length) {
    const Napi::HandleScope scope(info.Env());
    TakeRequest(stage, requests);
  }
  if (requests.empty()) return Napi::Boolean::New(info.Env(), true);
  const bool must = std::any_of(requests.begin(), requests.end(), [](const fs::Request& request) {
    return request.ask == fs::Ask::kResume || request.ask == fs::Ask::kClose;
  });
  return Napi::Boolean::New(info.Env(), link_->PostRequests(std::move(requests), must));
}

void FilesWrap::TakeRequest(Stage& stage, std::vector<fs::Request>& requests) {
  const int ask = static_cast<int>(stage.Number());
  fs::Request request;
  request.id = stage.Number();
  if (ask == kForget) {
    windows_.erase(request.id);
    return;
  }
  if (ask == kTaken) {
    const auto bytes = static_cast<std::size_t>(stage.Number());
    const auto window = windows_.find(request.id);
    // Most of the time the reader goes on by itself, and need not be told.
    if (window == windows_.end() || !window->second->Take(bytes)) return;
    request.ask = fs::Ask::kResume;
    requests.push_back(std::move(request));
    return;
  }
  request.ask = static_cast<fs::Ask>(ask);
  switch (request.ask) {
    case fs::Ask::kReadFile:
    case fs::Ask::kWriteFile:
    case fs::Ask::kOpenReader:
    case fs::Ask::kOpenWriter:
      request.flags = static_cast<int>(stage.Number());
      request.mode = static_cast<int>(stage.Number());
      request.path = stage.Path();
      break;
    default:
      break;
  }
  switch (request.ask) {
    case fs::Ask::kWriteFile:
      request.flush = stage.Number() != 0;
      stage.Data(request);
      break;
    case fs::Ask::kOpenReader:
      request.auto_close = stage.Number() != 0;
      request.start = stage.Number();
      request.length = stage.Number();
      request.chunk_size = static_cast<std::size_t>(stage.Number());
      request.window = std::make_shared<ReadWindow>(request.chunk_size);
      windows_.emplace(request.id, request.window);
      break;
    case fs::Ask::kOpenWriter:
      request.auto_close = stage.Number() != 0;
      request.start = stage.Number();
      break;
    case fs::Ask::kWrite:
      stage.Data(request);
      break;
    case fs::Ask::kFinish:
      request.flush = stage.Number() != 0;
      break;
    case fs::Ask::kClose:
      windows_.erase(request.id);
      break;
    default:
      break;
  }
  requests.push_back(std::move(request));
}

}  // namespace sideloop::binding
