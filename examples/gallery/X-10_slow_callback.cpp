// SPDX-License-Identifier: MIT
// Debug mode: a step of a task that holds the loop for too long is logged as a warning. The log is
// shown on stdout in a form of its own. Tutorial 004, 调试技巧.
#include <asyncio/asyncio.h>

#include <cstdio>
#include <regex>
#include <string>
#include <string_view>
#include <thread>

using namespace std::chrono_literals;

void show(asyncio::LogLevel level, std::string_view text) {
    static const std::regex name_pattern("name='([^']*)'");
    static const std::regex took_pattern("took ([0-9.]+) seconds");
    const std::string message(text);
    std::smatch name, took;
    if (!std::regex_search(message, took, took_pattern)) return;
    std::regex_search(message, name, name_pattern);
    std::printf("%s: task '%s' took %.2f seconds\n", to_string(level).c_str(), name.str(1).c_str(),
                std::stod(took.str(1)));
}

asyncio::Coro<> slow_step() {
    co_await asyncio::sleep(0.05s); // waiting is not holding the loop
    std::this_thread::sleep_for(0.4s);
}

asyncio::Coro<> quick_steps() {
    for (int i = 0; i < 5; ++i) co_await asyncio::sleep(0.02s);
}

asyncio::Coro<> main_() {
    auto& loop = asyncio::get_running_loop();
    std::printf("default threshold: %g\n", loop.slow_callback_duration().seconds().count());
    loop.slow_callback_duration(0.15s);
    co_await asyncio::create_task(quick_steps(), "quick");
    co_await asyncio::create_task(slow_step(), "slow");
    loop.set_debug(false);
    co_await asyncio::create_task(slow_step(), "slow again");
    std::printf("done\n");
}

int main() {
    asyncio::set_log_handler(show);
    asyncio::run(main_(), asyncio::RunOptions().debug(true));
}
