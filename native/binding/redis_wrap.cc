#include "binding/redis_wrap.h"

#include <optional>
#include <string>

#include "binding/environment.h"
#include "binding/figures.h"
#include "binding/loop_wrap.h"
#include "cross/registry.h"

namespace sideloop::binding {

namespace {

// Reads what lib/redis/options.ts has checked and filled in. A Worker may be terminated at any
// moment, from when on properties can't be read: then nothing of it may be used.
class OptionReader {
 public:
  OptionReader(napi_env env, napi_value options) : env_(env), options_(options) {}

  bool failed() const { return failed_; }

  std::string Text(const char* name) {
    napi_value value = Get(name);
    std::size_t size = 0;
    if (!Holds(napi_get_value_string_utf8(env_, value, nullptr, 0, &size))) return {};
    std::string text(size, '\0');
    Holds(napi_get_value_string_utf8(env_, value, text.data(), size + 1, &size));
    return text;
  }

  template <typename Integer>
  Integer Number(const char* name) {
    return static_cast<Integer>(NumberOf(Get(name)));
  }

  // null means: no limit.
  std::optional<std::uint64_t> Limit(const char* name) {
    napi_value value = Get(name);
    napi_valuetype type = napi_null;
    Holds(napi_typeof(env_, value, &type));
    if (type == napi_null) return std::nullopt;
    return static_cast<std::uint64_t>(NumberOf(value));
  }

  bool Flag(const char* name) {
    bool flag = false;
    Holds(napi_get_value_bool(env_, Get(name), &flag));
    return flag;
  }

 private:
  bool Holds(napi_status status) {
    failed_ |= status != napi_ok;
    return status == napi_ok;
  }

  napi_value Get(const char* name) {
    napi_value value = nullptr;
    Holds(napi_get_named_property(env_, options_, name, &value));
    return value;
  }

  double NumberOf(napi_value value) {
    double number = 0;
    Holds(napi_get_value_double(env_, value, &number));
    return number;
  }

  const napi_env env_;
  const napi_value options_;
  bool failed_ = false;
};

// Nothing where they can't be read.
std::optional<redis::Options> ToOptions(napi_env env, napi_value js) {
  OptionReader reader(env, js);
  redis::Options options;
  options.host = reader.Text("host");
  options.port = reader.Number<int>("port");
  options.family = reader.Number<int>("family");
  options.path = reader.Text("path");
  options.username = reader.Text("username");
  options.password = reader.Text("password");
  options.db = reader.Number<int>("db");
  options.client_name = reader.Text("clientName");
  options.protocol = reader.Number<int>("protocol");
  options.connect_timeout_ms = reader.Limit("connectTimeout");
  options.silence_timeout_ms = reader.Limit("silenceTimeout");
  options.command_timeout_ms = reader.Limit("commandTimeout");
  options.keep_alive_ms = reader.Limit("keepAlive");
  options.ready_check = reader.Flag("readyCheck");
  options.ready_check_max_ms = reader.Number<std::uint64_t>("readyCheckMax");
  options.reconnect = reader.Flag("reconnect");
  options.backoff_min_ms = reader.Number<std::uint64_t>("backoffMin");
  options.backoff_max_ms = reader.Number<std::uint64_t>("backoffMax");
  options.attempts_per_command = reader.Number<std::uint32_t>("maxRetriesPerRequest");
  if (reader.failed()) return std::nullopt;
  return options;
}

ReplyBounds ToBounds(const Napi::Value& client, const Napi::Value& thread) {
  const auto bytes = [](const Napi::Value& value) {
    return static_cast<std::size_t>(value.As<Napi::Number>().Int64Value());
  };
  return {bytes(client), bytes(thread)};
}

// Text that is ASCII throughout is taken as bytes; other text as UTF-16, because its lengths are in
// those units.
void TakeText(napi_env env, napi_value text, std::size_t units, resp::Stage& stage) {
  // Room beyond `units`: text that is not ASCII has more bytes than units, and must not be cut down
  // to look equal.
  constexpr std::size_t kSlack = 8;
  stage.text.resize(units + kSlack);
  std::size_t bytes = 0;
  napi_get_value_string_utf8(env, text, stage.text.data(), units + kSlack, &bytes);
  if (bytes == units) {
    stage.text.resize(units);
    return;
  }
  stage.text.clear();
  stage.is_wide = true;
  stage.wide.resize(units + 1);
  napi_get_value_string_utf16(env, text, stage.wide.data(), units + 1, &bytes);
  stage.wide.resize(units);
}

// Copies the arrays of bytes. False where the Worker was terminated, and they can't be had.
bool TakeBytes(napi_env env, napi_value list, resp::Stage& stage) {
  std::uint32_t length = 0;
  napi_get_array_length(env, list, &length);
  stage.bytes.reserve(length);
  for (std::uint32_t i = 0; i < length; ++i) {
    const Napi::HandleScope scope(env);
    napi_value array = nullptr;
    void* data = nullptr;
    std::size_t size = 0;
    if (napi_get_element(env, list, i, &array) != napi_ok ||
        napi_get_typedarray_info(env, array, nullptr, &size, &data, nullptr, nullptr) != napi_ok) {
      return false;
    }
    stage.bytes.emplace_back(static_cast<const char*>(data), size);
  }
  return true;
}

}  // namespace

Napi::Function RedisWrap::Define(Napi::Env env) {
  return DefineClass(env, "RedisWrap",
                     {
                         InstanceAccessor("target", &RedisWrap::GetTarget, nullptr),
                         InstanceMethod("share", &RedisWrap::Share),
                         InstanceMethod("open", &RedisWrap::Open),
                         InstanceMethod("submit", &RedisWrap::Submit),
                         InstanceMethod("quit", &RedisWrap::Quit),
                         InstanceMethod("close", &RedisWrap::Close),
                         InstanceMethod("drop", &RedisWrap::Drop),
                         InstanceMethod("hold", &RedisWrap::Hold),
                         InstanceMethod("release", &RedisWrap::Release),
                         InstanceMethod("setReferenced", &RedisWrap::SetReferenced),
                         InstanceMethod("stats", &RedisWrap::Stats),
                     });
}

// (loop: LoopWrap, options, integers) or (handle: string, integers)
RedisWrap::RedisWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  Environment& environment = Environment::Of(info.Env());
  bool is_there = true;
  const bool is_first = !info[0].IsString();
  const std::size_t rest = is_first ? 2 : 1;
  const auto integers = static_cast<IntegerForm>(info[rest].As<Napi::Number>().Uint32Value());
  const ReplyBounds bounds = ToBounds(info[rest + 1], info[rest + 2]);
  if (is_first) {
    const LoopWrap* loop = LoopWrap::Unwrap(info[0].As<Napi::Object>());
    std::optional<redis::Options> options = ToOptions(info.Env(), info[1]);
    // The Worker was terminated: no JavaScript will see this object.
    if (loop == nullptr || !options) return;
    target_ = environment.AddTarget();
    link_ = std::make_shared<RedisLink>(loop->loop(), *std::move(options), environment.outbox(),
                                        target_, integers, bounds);
  } else {
    const std::string handle = info[0].As<Napi::String>().Utf8Value();
    auto connection = Registry<SharedConnection>::OfProcess().Find(handle);
    is_there = connection != nullptr && connection->TryEnter();
    if (is_there) {
      target_ = environment.AddTarget();
      link_ = std::make_shared<RedisLink>(std::move(connection), environment.outbox(), target_,
                                          integers, bounds);
      is_there = link_->PostAttach();
    }
  }
  if (!is_there) {
    Napi::Error::New(info.Env(), "No open connection has this handle").ThrowAsJavaScriptException();
    return;
  }
  environment.AddAttachment(link_);
}

Napi::Value RedisWrap::GetTarget(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), target_);
}

// (handle: string)
Napi::Value RedisWrap::Share(const Napi::CallbackInfo& info) {
  const std::string handle = info[0].As<Napi::String>().Utf8Value();
  Registry<SharedConnection>::OfProcess().Add(handle, link_->connection());
  return info.Env().Undefined();
}

Napi::Value RedisWrap::Open(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), link_->PostOpen());
}

// (text: string, units: number, heads: Int32Array, headLength: number, count: number, bytes?:
// Uint8Array[])
Napi::Value RedisWrap::Submit(const Napi::CallbackInfo& info) {
  const napi_env env = info.Env();
  Environment& environment = Environment::Of(env);
  auto stage = std::make_shared<resp::Stage>();
  stage->table = environment.commands();
  TakeText(env, info[0], info[1].As<Napi::Number>().Uint32Value(), *stage);
  void* heads = nullptr;
  napi_get_typedarray_info(env, info[2], nullptr, nullptr, &heads, nullptr, nullptr);
  const auto* first = static_cast<const std::int32_t*>(heads);
  stage->heads.assign(first, first + info[3].As<Napi::Number>().Uint32Value());
  const std::uint32_t count = info[4].As<Napi::Number>().Uint32Value();
  if (info[5].IsArray() && !TakeBytes(env, info[5], *stage)) return Napi::Boolean::New(env, false);
  const bool alone = info[6].As<Napi::Boolean>().Value();
  const bool accepted = alone ? link_->SubmitAlone(std::move(stage), count)
                              : link_->PostSubmit(std::move(stage), count);
  if (accepted) environment.Hold(target_, count);
  return Napi::Boolean::New(env, accepted);
}

Napi::Value RedisWrap::Quit(const Napi::CallbackInfo& info) {
  const bool accepted = link_->PostQuit();
  if (accepted) Environment::Of(info.Env()).Hold(target_, 1);
  return Napi::Boolean::New(info.Env(), accepted);
}

Napi::Value RedisWrap::Close(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), link_->PostClose());
}

Napi::Value RedisWrap::Drop(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), link_->PostDrop());
}

Napi::Value RedisWrap::Hold(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).Hold(target_, 1);
  return info.Env().Undefined();
}

Napi::Value RedisWrap::Release(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).Settled(target_, 1);
  return info.Env().Undefined();
}

Napi::Value RedisWrap::SetReferenced(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).SetReferenced(target_, info[0].As<Napi::Boolean>().Value());
  return info.Env().Undefined();
}

Napi::Value RedisWrap::Stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const redis::ConnectionStats& stats = link_->connection()->stats();
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&object](const char* name, std::uint64_t value) {
    object.Set(name, static_cast<double>(value));
  };
  set("commands", stats.commands);
  set("replies", stats.replies);
  set("failed", stats.failed);
  set("pushes", stats.pushes);
  set("inFlight", stats.in_flight);
  set("peakInFlight", stats.peak_in_flight);
  set("waiting", stats.waiting);
  set("bytesSent", stats.bytes_sent);
  set("bytesReceived", stats.bytes_received);
  set("writes", stats.writes);
  set("reads", stats.reads);
  set("connects", stats.connects);
  object.Set("latency", ToObject(env, stats.latency));
  return object;
}

}  // namespace sideloop::binding
