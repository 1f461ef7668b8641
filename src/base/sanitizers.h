// SPDX-License-Identifier: MIT
// Which sanitizer is this built with?
#pragma once

// clang says it by __has_feature, g++ by macros.
#if defined(__has_feature)
#define ASYNCIO_HAS_FEATURE(name) __has_feature(name)
#else
#define ASYNCIO_HAS_FEATURE(name) 0
#endif

namespace asyncio::base {

/// True under the thread sanitizer, whose runtime knows no threads in the child of a process that
/// has some.
#if defined(__SANITIZE_THREAD__) || ASYNCIO_HAS_FEATURE(thread_sanitizer)
inline constexpr bool threads_are_watched = true;
#else
inline constexpr bool threads_are_watched = false;
#endif

/// True under the address and the thread sanitizer, which have to see each allocation by itself:
/// the pools then pass every block through to the heap, so that a use after the end is seen.
#if defined(__SANITIZE_ADDRESS__) || ASYNCIO_HAS_FEATURE(address_sanitizer)
inline constexpr bool heap_is_watched = true;
#else
inline constexpr bool heap_is_watched = threads_are_watched;
#endif

} // namespace asyncio::base

#undef ASYNCIO_HAS_FEATURE
