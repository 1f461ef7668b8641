// SPDX-License-Identifier: MIT
// A bounded queue, two consumers, an end marker that is passed on. Tutorial 003, 队列.
// Usage: 003-09_bounded_queue [SEED]
#include <asyncio/asyncio.h>

#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;

using Queue = asyncio::Queue<std::optional<std::string>>; // 空值是结束信号

std::uint64_t state = 2049;

// A small linear congruential generator, so that the schedule is the same everywhere.
asyncio::Seconds uniform(double a, double b) {
    state = (state * 1103515245 + 12345) % 2147483648;
    return asyncio::Seconds(a + (b - a) * (static_cast<double>(state) / 2147483648));
}

asyncio::Coro<> producer(Queue& queue, int n_items) {
    for (int i = 0; i < n_items; ++i) {
        auto item = "项目-" + std::to_string(i);
        co_await asyncio::sleep(uniform(0.1, 0.5)); // 模拟生产耗时
        co_await queue.put(item);
        std::cout << "生产者: 已生产 " << item << '\n';
    }
    co_await queue.put(std::nullopt); // 发送结束信号
}

asyncio::Coro<> consumer(Queue& queue, int consumer_id) {
    while (true) {
        auto item = co_await queue.get();
        if (!item) { // 收到结束信号
            queue.task_done();
            co_await queue.put(std::nullopt); // 将结束信号传递给其他消费者 (如果需要)
            std::cout << "消费者 " << consumer_id << ": 收到结束信号, 退出\n";
            break;
        }
        std::cout << "消费者 " << consumer_id << ": 正在处理 " << *item << '\n';
        co_await asyncio::sleep(uniform(0.2, 1.0)); // 模拟消费耗时
        std::cout << "消费者 " << consumer_id << ": 已处理 " << *item << '\n';
        queue.task_done();
    }
}

asyncio::Coro<> main_() {
    Queue queue(5); // 设置队列最大容量

    std::vector producers{asyncio::create_task(producer(queue, 10))};
    std::vector<asyncio::Task<>> consumers;
    for (int i = 0; i < 2; ++i) consumers.push_back(asyncio::create_task(consumer(queue, i)));

    co_await asyncio::gather(producers); // 等待生产者完成
    std::cout << "所有生产者已完成生产。\n";

    co_await queue.join(); // 等待所有队列中的项目被处理
    std::cout << "所有项目已处理。消费者即将退出。\n";

    // gather 消费者以确保它们都正确退出 (可选，因为 join 已经保证了任务完成)
    co_await asyncio::gather(consumers);
}

int main(int argc, char* argv[]) {
    if (argc > 1) state = std::stoull(argv[1]);
    asyncio::run(main_());
}
