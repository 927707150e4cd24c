// Thread: any. Which thread a function runs on, written where the compiler can check it: clang's
// -Wthread-safety treats a role as a capability that is held by running on the right thread. Other
// compilers see nothing.
#pragma once

#if defined(__clang__)
#define SIDELOOP_ATTRIBUTE(x) __attribute__((x))
#else
#define SIDELOOP_ATTRIBUTE(x)
#endif

namespace sideloop {

// A role has no state: it exists for the analysis alone.
class SIDELOOP_ATTRIBUTE(capability("role")) ThreadRole {};

inline ThreadRole loop_role;
inline ThreadRole js_role;
inline ThreadRole pool_role;

}  // namespace sideloop

// The function runs on the loop thread only.
#define ON_LOOP SIDELOOP_ATTRIBUTE(requires_capability(::sideloop::loop_role))
// The function runs on the JS thread of its environment only.
#define ON_JS SIDELOOP_ATTRIBUTE(requires_capability(::sideloop::js_role))
// The function runs on a thread of libuv's pool, which has its object to itself meanwhile.
#define ON_POOL SIDELOOP_ATTRIBUTE(requires_capability(::sideloop::pool_role))
// The function may be called from any thread.
#define ANY_THREAD
// The field is touched by the loop thread only.
#define LOOP_ONLY SIDELOOP_ATTRIBUTE(guarded_by(::sideloop::loop_role))
// The function checks, in debug builds, that it runs on the loop thread, and tells the analysis so.
#define ASSERTS_ON_LOOP SIDELOOP_ATTRIBUTE(assert_capability(::sideloop::loop_role))
#define ASSERTS_ON_POOL SIDELOOP_ATTRIBUTE(assert_capability(::sideloop::pool_role))
#define ASSERTS_ON_JS SIDELOOP_ATTRIBUTE(assert_capability(::sideloop::js_role))

// A mutex and the fields it guards, for native/cross.
#define CAPABILITY(name) SIDELOOP_ATTRIBUTE(capability(name))
#define SCOPED_CAPABILITY SIDELOOP_ATTRIBUTE(scoped_lockable)
#define ACQUIRES(...) SIDELOOP_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASES(...) SIDELOOP_ATTRIBUTE(release_capability(__VA_ARGS__))
#define GUARDED_BY(x) SIDELOOP_ATTRIBUTE(guarded_by(x))
#define REQUIRES_LOCK(...) SIDELOOP_ATTRIBUTE(requires_capability(__VA_ARGS__))
