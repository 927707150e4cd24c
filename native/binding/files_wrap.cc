#include "binding/files_wrap.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "binding/environment.h"
#include "binding/loop_wrap.h"
#include "cross/chunk_pool.h"

namespace sideloop::binding {

namespace {

// Node called on the environment's thread: that is what the role means.
void AssertOnJs() ASSERTS_ON_JS;
void AssertOnJs() {}

// Asked of this side alone; the numbers go on from those of fs::Ask.
constexpr int kTaken = 9;    // JS has taken so many bytes of a stream
constexpr int kForget = 10;  // the stream is closed

}  // namespace

// What lib/fs/file-stage.ts has gathered: numbers, and the texts and bytes that go with them. A
// Worker may be terminated at any moment, from when on its values can't be had: then nothing of the
// stage is asked for.
class FilesWrap::Stage {
 public:
  Stage(napi_env env, napi_value numbers, std::uint32_t length, napi_value values)
      : env_(env), values_(values), length_(length) {
    void* data = nullptr;
    std::size_t size = 0;
    failed_ = napi_get_typedarray_info(env, numbers, nullptr, &size, &data, nullptr, nullptr) !=
                  napi_ok ||
              size < length;
    numbers_ = static_cast<const double*>(data);
  }

  bool failed() const { return failed_; }
  bool at_end() const { return failed_ || at_ >= length_; }

  std::int64_t Number() { return static_cast<std::int64_t>(numbers_[at_++]); }

  // A path: text, or the bytes of one that is not UTF-8.
  std::string Path() {
    napi_value value = Next();
    std::size_t size = 0;
    if (failed_) return {};
    if (napi_get_value_string_utf8(env_, value, nullptr, 0, &size) == napi_ok) {
      std::string text(size, '\0');
      napi_get_value_string_utf8(env_, value, text.data(), size + 1, &size);
      return text;
    }
    return std::string(BytesOf(value));
  }

  // The only copy on the way to the disk: memory of JS goes away with its Worker, at any moment.
  void Data(fs::Request& request) {
    const std::string_view bytes = BytesOf(Next());
    if (bytes.empty()) return;
    request.data = ChunkPool::Shared().TakeFor(bytes.size());
    request.lacks_data = request.data.capacity() == 0;
    if (request.lacks_data) return;
    std::memcpy(request.data.data(), bytes.data(), bytes.size());
    request.data.set_size(bytes.size());
  }

 private:
  napi_value Next() {
    napi_value value = nullptr;
    failed_ |= napi_get_element(env_, values_, next_value_++, &value) != napi_ok;
    return value;
  }

  std::string_view BytesOf(napi_value value) {
    void* data = nullptr;
    std::size_t size = 0;
    failed_ = failed_ || napi_get_typedarray_info(env_, value, nullptr, &size, &data, nullptr,
                                                  nullptr) != napi_ok;
    return failed_ ? std::string_view() : std::string_view(static_cast<const char*>(data), size);
  }

  const napi_env env_;
  const napi_value values_;
  const double* numbers_ = nullptr;
  const std::uint32_t length_;
  std::uint32_t at_ = 0;
  std::uint32_t next_value_ = 0;
  bool failed_ = false;
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
  if (loop == nullptr) return;  // the Worker was terminated: no JavaScript will see this object
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
  if (link_ == nullptr) return Napi::Boolean::New(info.Env(), false);
  Stage stage(info.Env(), info[0], info[1].As<Napi::Number>().Uint32Value(), info[2]);
  std::vector<fs::Request> requests;
  while (!stage.at_end()) {
    const Napi::HandleScope scope(info.Env());
    TakeRequest(stage, requests);
  }
  if (stage.failed()) return Napi::Boolean::New(info.Env(), false);
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
