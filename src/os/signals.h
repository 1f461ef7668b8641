// SPDX-License-Identifier: MIT
// Signals: caught, noted, and handed to whoever asked for them.
#pragma once

#include <string>

namespace asyncio::os {

/// Whom a signal wakes. Called in the signal handler: async-signal-safe code only.
using SignalNotify = void (*)(void* who) noexcept;

/// What became of catch_signal(): whether it catches, and if not, what is wrong with the number.
enum class CatchResult { caught, no_such_signal, cannot_be_caught };

/// Catches `number` from now on: notes it and calls `notify(who)`. System calls are restarted.
///
/// A held-up program can still be ended: the third SIGINT that nobody took has its default effect.
/// A child after fork() keeps the handler, but it notes nothing there.
CatchResult catch_signal(int number, SignalNotify notify, void* who) noexcept;
/// Restores the default action, unless somebody else has set another one meanwhile. When it
/// returns, no notify() for `number` is under way on any thread.
void release_signal(int number) noexcept;
/// The same, but restores what was there before catch_signal().
void give_signal_back(int number) noexcept;
/// Has `number` come since the last call?
bool take_signal(int number) noexcept;
/// Does `number` still have its default action? What a forked child has inherited counts as that.
bool has_default_action(int number) noexcept;

/// "SIGKILL"; "SIG99" for one that has no name.
std::string signal_name(int number);

/// Is this the thread that runs main()?
bool is_main_thread() noexcept;

} // namespace asyncio::os
