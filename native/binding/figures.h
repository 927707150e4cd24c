// Thread: js. Figures as JS objects: a histogram's times in microseconds.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string_view>
#include <utility>

#include "metrics/counter.h"

namespace sideloop::binding {

inline Napi::Object ToObject(Napi::Env env, const SharedHistogram& shared) {
  const Histogram histogram(shared);
  const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e3; };
  Napi::Object object = Napi::Object::New(env);
  object.Set("count", static_cast<double>(histogram.count()));
  object.Set("min", us(histogram.min()));
  object.Set("mean", histogram.mean() / 1e3);
  object.Set("max", us(histogram.max()));
  object.Set("p50", us(histogram.Percentile(0.50)));
  object.Set("p90", us(histogram.Percentile(0.90)));
  object.Set("p99", us(histogram.Percentile(0.99)));
  object.Set("p999", us(histogram.Percentile(0.999)));
  return object;
}

}  // namespace sideloop::binding
