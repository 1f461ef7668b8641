// SPDX-License-Identifier: MIT
// What belongs to the whole process: its error output, its parent, its forks, its threads' names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asyncio::os {

/// Writes all of `text` to the error output; what nobody takes is lost.
/// Thread    any; texts that are longer than a pipe takes at once may mix.
void write_to_stderr(std::string_view text) noexcept;

/// The number of this process.
int process_id() noexcept;
/// What this program was called as: argv[0].
std::string program_name();
/// From now on, this process is killed when the thread that started it ends.
/// Returns   false: the process `parent` has ended already.
bool end_with_parent(int parent) noexcept;

/// From now on, each fork() calls `before` first, and behind it one of the others in each process.
/// Throws    std::bad_alloc.
/// Lifetime  they are called until the process ends.
void at_fork(void (*before)(), void (*in_parent)(), void (*in_child)());

/// The variables of this process's environment: names and values. A line without = is left out.
/// Thread    any, while nobody changes the environment.
std::vector<std::pair<std::string, std::string>> environment();

/// How many bytes of a thread's name the kernel keeps.
inline constexpr std::size_t thread_name_bytes_max = 15;

/// The numbers of this process and of the calling thread, as `ps` and `top` show them.
long process_number() noexcept;
long thread_number() noexcept;
/// Whose rights this process has.
unsigned effective_user() noexcept;
/// Is there a process of that number? Also one that this process may not touch.
bool process_exists(long number) noexcept;

/// Names the calling thread, for debuggers and top. A name that is too long is cut.
void name_this_thread(std::string name) noexcept;

} // namespace asyncio::os
