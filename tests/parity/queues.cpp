// SPDX-License-Identifier: MIT
// Queues: order, bounds, waiting, joining, shutting down. The twin of queues.py.
#include "support/trace.h"

using namespace trace;

namespace {

template <class Q>
Coro<> take(std::string name, Q& queue, int count = 1) {
    for (int i = 0; i < count; ++i) {
        const auto item = co_await queue.get();
        log(name + " got " + text_of(item));
    }
}

Coro<> give(std::string name, Queue<int>& queue, std::vector<int> items) {
    for (const int item : items) {
        co_await queue.put(item);
        log(name + " put " + std::to_string(item));
    }
}

Coro<> ends(std::vector<Task<>> tasks) {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        co_await attempt(tasks[i]);
        log_end("task " + std::to_string(i), tasks[i]);
    }
}

std::vector<Task<>> start_all(Coro<> first) {
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(std::move(first)));
    return tasks;
}
std::vector<Task<>> start_all(Coro<> first, Coro<> second) {
    auto tasks = start_all(std::move(first));
    tasks.push_back(create_task(std::move(second)));
    return tasks;
}
std::vector<Task<>> start_all(Coro<> first, Coro<> second, Coro<> third) {
    auto tasks = start_all(std::move(first), std::move(second));
    tasks.push_back(create_task(std::move(third)));
    return tasks;
}

std::string kind(const std::string& error) { return error.substr(0, error.find('(')); }

} // namespace

SCENARIO("get: waits for items, first come, first served") {
    Queue<int> queue;
    const auto tasks = start_all(take("a", queue), take("b", queue), take("c", queue));
    co_await turns(1);
    for (int item = 1; item < 4; ++item) queue.put_nowait(item);
    log("size " + std::to_string(queue.qsize()));
    co_await ends(tasks);
}

SCENARIO("put: waits for room, first come, first served") {
    Queue<int> queue(1);
    const std::vector<int> low{1, 2};
    const std::vector<int> high{3, 4};
    const auto tasks = start_all(give("a", queue, low), give("b", queue, high));
    co_await turns(2);
    co_await take("main", queue, 4);
    co_await ends(tasks);
}

SCENARIO("producer and consumer: a queue of one, of two, without a bound") {
    for (const std::size_t bound : {1U, 2U, 0U}) {
        Queue<int> queue(bound);
        const std::vector<int> items{1, 2, 3, 4};
        co_await ends(start_all(give("producer", queue, items), take("consumer", queue, 4)));
    }
}

SCENARIO("get: a getter that was woken may be overtaken") {
    Queue<std::string> queue;
    const auto tasks = start_all(take("getter", queue));
    co_await turns(1);
    queue.put_nowait("first");
    log("main got " + queue.get_nowait());
    co_await turns(2);
    log("done " + text_of(tasks[0].done()));
    queue.put_nowait("second");
    co_await ends(tasks);
}

SCENARIO("get: a cancelled getter loses nothing") {
    Queue<std::string> queue;
    const auto tasks = start_all(take("a", queue), take("b", queue));
    co_await turns(1);
    queue.put_nowait("item");
    tasks[0].cancel();
    co_await turns(3);
    log("size " + std::to_string(queue.qsize()));
    queue.put_nowait("other");
    co_await ends(tasks);
}

SCENARIO("put: a cancelled putter puts nothing, the next one has its turn") {
    Queue<int> queue(1);
    queue.put_nowait(0);
    const std::vector<int> one{1};
    const std::vector<int> two{2};
    const auto tasks = start_all(give("a", queue, one), give("b", queue, two));
    co_await turns(1);
    log("main got " + std::to_string(queue.get_nowait()));
    tasks[0].cancel();
    co_await ends(tasks);
    const int left = queue.get_nowait();
    log("main got " + std::to_string(left) + ", size " + std::to_string(queue.qsize()));
}

SCENARIO("full and empty: without waiting") {
    Queue<int> queue(1);
    try {
        queue.get_nowait();
    } catch (const QueueEmpty&) {
        log("empty");
    }
    queue.put_nowait(1);
    try {
        queue.put_nowait(2);
    } catch (const QueueFull&) {
        log("full");
    }
    log(std::to_string(queue.qsize()) + " " + text_of(queue.empty()) + " " + text_of(queue.full()));
    co_return;
}

SCENARIO("join: waits until all is done") {
    Queue<int> queue;
    const auto worker = [&queue]() -> Coro<> {
        for (;;) {
            const int item = co_await queue.get();
            co_await sleep(0s);
            log("did " + std::to_string(item));
            queue.task_done();
        }
    };
    const auto joiner = [&queue](std::string name) -> Coro<> {
        co_await queue.join();
        log(name + " joined");
    };
    for (int item = 0; item < 3; ++item) queue.put_nowait(item);
    const auto tasks = start_all(worker(), joiner("a"), joiner("b"));
    co_await queue.join();
    log("main joined");
    co_await turns(2);
    tasks[0].cancel();
    co_await ends(tasks);
    try {
        queue.task_done();
    } catch (const ValueError& error) {
        log(error.what());
    }
}

SCENARIO("lifo and priority: other orders") {
    LifoQueue<int> lifo;
    PriorityQueue<int> priority;
    for (const int item : {3, 1, 2}) {
        lifo.put_nowait(item);
        priority.put_nowait(item);
    }
    co_await take("main", lifo, 3);
    co_await take("main", priority, 3);
}

SCENARIO("priority: a getter that waits takes the smallest there is") {
    PriorityQueue<int> queue;
    const auto tasks = start_all(take("getter", queue, 3));
    co_await turns(1);
    for (const int item : {5, 3, 4}) queue.put_nowait(item);
    co_await ends(tasks);
}

SCENARIO("shutdown: what is there can be taken, who waits is told (3.13)") {
    Queue<int> queue(1);
    const auto getters = start_all(take("getter", queue, 3));
    co_await turns(1);
    queue.put_nowait(1);
    const std::vector<int> items{2, 3};
    const auto putters = start_all(give("putter", queue, items));
    co_await turns(1);
    queue.shutdown();
    log(kind(co_await attempt(queue.put(9))));
    co_await ends(getters);
    co_await ends(putters);
}

int main() { return run_all(); }
