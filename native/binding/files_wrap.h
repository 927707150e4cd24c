// Thread: js. What JS holds of the files of one loop. lib/native.ts declares it to TypeScript.
// Owns: a share of the link, and of the window of each read stream.
// Ends: by the garbage collector, or with the environment.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/annotations.h"
#include "cross/read_window.h"
#include "fs/request.h"
#include "links/files_link.h"

namespace sideloop::binding {

class FilesWrap : public Napi::ObjectWrap<FilesWrap> {
 public:
  static Napi::Function Define(Napi::Env env);

  // (loop: LoopWrap)
  explicit FilesWrap(const Napi::CallbackInfo& info);

 private:
  class Stage;

  Napi::Value GetTarget(const Napi::CallbackInfo& info);
  Napi::Value Submit(const Napi::CallbackInfo& info);

  ON_JS void TakeRequest(Stage& stage, std::vector<fs::Request>& requests);

  std::shared_ptr<FilesLink> link_;
  std::uint32_t target_ = 0;
  // By the number of their stream.
  std::unordered_map<std::int64_t, std::shared_ptr<ReadWindow>> windows_;
};

}  // namespace sideloop::binding
