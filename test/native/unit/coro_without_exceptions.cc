#include "unit/coro_without_exceptions.h"

#ifdef __cpp_exceptions
#error "This file is here to be compiled with -fno-exceptions."
#endif

namespace sideloop::test {

coro::Task<int> DoubleWithoutExceptions(coro::Task<int> number) {
  coro::AssertOnLoop();
  co_return 2 * co_await std::move(number);
}

}  // namespace sideloop::test
