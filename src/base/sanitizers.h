// SPDX-License-Identifier: MIT
// Is this built with a sanitizer that has to see each allocation by itself?
#pragma once

namespace asyncio::base {

/// True under the address and the thread sanitizer: the pools then pass every block through to the
/// heap, so that a use after the end is seen.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool heap_is_watched = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool heap_is_watched = true;
#else
inline constexpr bool heap_is_watched = false;
#endif
#else
inline constexpr bool heap_is_watched = false;
#endif

/// True under the thread sanitizer, whose runtime knows no threads in the child of a process that
/// has some.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool threads_are_watched = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool threads_are_watched = true;
#else
inline constexpr bool threads_are_watched = false;
#endif
#else
inline constexpr bool threads_are_watched = false;
#endif

} // namespace asyncio::base
