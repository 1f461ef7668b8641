// SPDX-License-Identifier: MIT
// Two downloads in turn and at the same time. Tutorial 001, 什么是异步?
// Usage: 001-01_sync_vs_async [SECONDS]   (one download takes SECONDS, 3 by default)
#include <asyncio/asyncio.h>

#include <cstdio>
#include <string>
#include <thread>

asyncio::Seconds seconds(3);

void blocking_download() { std::this_thread::sleep_for(seconds); }

asyncio::Coro<> download() { co_await asyncio::sleep(seconds); }

// 同步(阻塞) - 等咖啡做好才能做其他事
void sync_task() {
    blocking_download(); // 等待 3 秒
    blocking_download(); // 再等 3 秒
    // 总耗时: 6 秒
}

// 异步(非阻塞) - 同时点多杯咖啡
asyncio::Coro<> async_task() {
    co_await asyncio::gather(download(), download()); // 同时进行
    // 总耗时: 3 秒
}

double seconds_since(asyncio::TimePoint start) {
    return asyncio::Seconds(asyncio::Clock::now() - start).count();
}

int main(int argc, char* argv[]) {
    if (argc > 1) seconds = asyncio::Seconds(std::stod(argv[1]));

    auto start = asyncio::Clock::now();
    sync_task();
    std::printf("同步总耗时: %.2f 秒\n", seconds_since(start));

    start = asyncio::Clock::now();
    asyncio::run(async_task());
    std::printf("异步总耗时: %.2f 秒\n", seconds_since(start));
}
