// SPDX-License-Identifier: MIT
// Console: headings and lines on stdout, and on a terminal one live line below them.
#pragma once

#include "asyncio/asyncio.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace terminal {

/// Writes to stdout, at once.
///
/// Throws    OSError: it cannot be written to (a full disk).
/// Thread    the loop's own.
class Console {
public:
    Console();
    Console(const Console&) = delete; // there is one stdout
    Console& operator=(const Console&) = delete;

    /// Is stdout a terminal, so that a line can be replaced?
    bool is_live() const noexcept { return is_live_; }

    void title(std::string_view line);   // as it is
    void heading(std::string_view text); // "1. text", numbered
    void say(std::string_view lines);    // indented, above the live line
    void show(std::string_view line);    // in place of the live line; nothing if not live
    void clear();                        // no live line any more

private:
    void write(std::string_view text);

    bool is_live_;
    bool has_live_line_ = false;
    int headings_ = 0;
};

namespace detail {

template <class Line>
asyncio::Coro<> keep_showing(Console& console, Line line) {
    using namespace std::chrono_literals;
    for (;;) {
        console.show(line());
        co_await asyncio::sleep(100ms);
    }
}

} // namespace detail

/// Awaits `work`, and meanwhile shows what `line()` gives, ten times a second. On something else
/// than a terminal nothing is shown.
///
/// Cancel    cancels `work`, and ends when it has ended.
/// Lifetime  `console`, and what `line` refers to, must outlive the await.
template <class Line>
asyncio::Coro<> with_live_line(Console& console, Line line, asyncio::Coro<> work) {
    if (!console.is_live()) {
        co_await std::move(work);
        co_return;
    }
    auto shown = asyncio::create_task(detail::keep_showing(console, std::move(line)), "live line");
    co_await asyncio::finally_(std::move(work), [&] {
        shown.cancel();
        console.clear();
    });
}

} // namespace terminal
