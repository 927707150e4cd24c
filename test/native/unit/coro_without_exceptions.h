// A coroutine from an object file that is compiled with -fno-exceptions, as the shipped addon is,
// to be awaited by one that is not: both kinds must agree on what a task looks like.
#pragma once

#include "coro/task.h"

namespace sideloop::test {

coro::Task<int> DoubleWithoutExceptions(coro::Task<int> number);

}  // namespace sideloop::test
