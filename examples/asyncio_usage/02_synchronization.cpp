// SPDX-License-Identifier: MIT
// 同步原语: Lock, Semaphore, Event, Condition, Barrier, the queues and a connection pool made of
// one, a numbered section each. Tutorial 004, asyncio 使用指南.
#include <asyncio/asyncio.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

// 1. Lock

asyncio::Coro<> withdraw(asyncio::Lock& lock, int& balance, int amount) {
    auto guard = co_await lock.scoped(); // released at the end of the scope
    int seen = balance;
    co_await asyncio::sleep(0.05s); // without the lock, the other would see the same balance
    balance = seen - amount;
    std::printf("   took %d, left %d\n", amount, balance);
}

asyncio::Coro<> locks() {
    std::puts("1. Lock: one at a time");
    asyncio::Lock lock;
    int balance = 100;
    co_await asyncio::gather(withdraw(lock, balance, 30), withdraw(lock, balance, 50));
}

// 2. Semaphore, BoundedSemaphore

asyncio::Coro<> download(int n, asyncio::Semaphore& semaphore, int& running) {
    auto guard = co_await semaphore.scoped();
    running += 1;
    std::printf("   download %d starts, %d running\n", n, running);
    co_await asyncio::sleep(0.05s);
    running -= 1;
}

asyncio::Coro<> semaphores() {
    std::puts("\n2. Semaphore: so many at a time, here two");
    asyncio::Semaphore semaphore(2);
    int running = 0;
    std::vector<asyncio::Coro<>> downloads;
    for (int n = 1; n <= 4; ++n) downloads.push_back(download(n, semaphore, running));
    co_await asyncio::gather(std::move(downloads));

    std::puts("   BoundedSemaphore: a release too many is an error");
    asyncio::BoundedSemaphore bounded(1);
    co_await bounded.acquire();
    bounded.release();
    try {
        bounded.release();
    } catch (const asyncio::ValueError& e) {
        std::printf("   ValueError: %s\n", e.what());
    }
}

// 3. Event

asyncio::Coro<> runner(int n, asyncio::Event& start) {
    co_await start.wait();
    std::printf("   runner %d starts\n", n);
}

asyncio::Coro<> events() {
    std::puts("\n3. Event: one tells all");
    asyncio::Event start;
    std::vector runners{asyncio::create_task(runner(1, start)),
                        asyncio::create_task(runner(2, start))};
    co_await asyncio::sleep(0.05s);
    std::puts("   go!");
    start.set();
    co_await asyncio::gather(runners);
}

// 4. Condition

struct Kitchen {
    asyncio::Condition changed; // guards `dishes`, tells of every new one
    int dishes = 0;
};

asyncio::Coro<> waiter(int n, Kitchen& kitchen) {
    auto guard = co_await kitchen.changed.scoped();
    co_await kitchen.changed.wait_for([&] { return kitchen.dishes > 0; });
    kitchen.dishes -= 1;
    std::printf("   waiter %d takes a dish, %d left\n", n, kitchen.dishes);
}

asyncio::Coro<> conditions() {
    std::puts("\n4. Condition: wait until something holds");
    Kitchen kitchen;
    std::vector waiters{asyncio::create_task(waiter(1, kitchen)),
                        asyncio::create_task(waiter(2, kitchen)),
                        asyncio::create_task(waiter(3, kitchen))};
    for (int dishes = 1; dishes <= 2; ++dishes) {
        co_await asyncio::sleep(0.05s);
        auto guard = co_await kitchen.changed.scoped();
        kitchen.dishes += dishes;
        std::printf("   the kitchen has %d more\n", dishes);
        kitchen.changed.notify(dishes);
    }
    co_await asyncio::gather(waiters);
}

// 5. Barrier

asyncio::Coro<> hiker(int n, asyncio::Barrier& summit) {
    co_await asyncio::sleep(n * 0.05s);
    std::printf("   hiker %d is up\n", n);
    int position = co_await summit.wait();
    if (position == 0) std::puts("   all are up");
}

asyncio::Coro<> barriers() {
    std::puts("\n5. Barrier: all wait for the last");
    asyncio::Barrier summit(3);
    co_await asyncio::gather(hiker(1, summit), hiker(2, summit), hiker(3, summit));
}

// 6. Queue

asyncio::Coro<> produce(asyncio::Queue<int>& queue) {
    for (int item = 1; item <= 4; ++item) {
        co_await queue.put(item); // waits while the queue is full
        std::printf("   put %d, %zu in the queue\n", item, queue.qsize());
    }
    queue.shutdown(); // what is in it can still be taken
}

asyncio::Coro<> consume(asyncio::Queue<int>& queue) {
    while (auto item = co_await queue.next()) { // nothing: shut down, and empty
        co_await asyncio::sleep(0.05s);
        std::printf("   used %d\n", *item);
        queue.task_done();
    }
    std::puts("   the consumer ends");
}

asyncio::Coro<> queues() {
    std::puts("\n6. Queue: from hand to hand, at most two waiting in between");
    asyncio::Queue<int> queue(2);
    auto consumer = asyncio::create_task(consume(queue));
    co_await produce(queue);
    co_await queue.join();
    std::puts("   all that was put is done");
    co_await consumer;
}

// 7. LifoQueue, PriorityQueue

asyncio::Coro<> orders() {
    std::puts("\n7. LifoQueue and PriorityQueue: who is next");
    asyncio::LifoQueue<std::string> plates;
    asyncio::PriorityQueue<std::pair<int, std::string>> calls; // the smallest first
    plates.put_nowait("plate 1");
    plates.put_nowait("plate 2");
    calls.put_nowait({2, "a cat on a tree"});
    calls.put_nowait({1, "a fire"});
    while (!plates.empty()) {
        auto plate = co_await plates.get();
        std::printf("   %s\n", plate.c_str());
    }
    while (!calls.empty()) {
        auto call = co_await calls.get();
        std::printf("   priority %d: %s\n", call.first, call.second.c_str());
    }
    try {
        calls.get_nowait();
    } catch (const asyncio::QueueEmpty&) {
        std::puts("   QueueEmpty");
    }
}

// 8. A connection pool

class Connection {
public:
    explicit Connection(int number) : number_(number) {}

    asyncio::Coro<std::string> query(std::string what) {
        co_await asyncio::sleep(0.05s);
        co_return what + " by connection " + std::to_string(number_);
    }

private:
    int number_;
};

class ConnectionPool {
public:
    explicit ConnectionPool(int size) {
        for (int number = 1; number <= size; ++number) {
            idle_.put_nowait(std::make_unique<Connection>(number));
        }
    }

    /// A connection that goes back to the pool at the end of its scope.
    class Lease {
    public:
        Lease(ConnectionPool& pool, std::unique_ptr<Connection> connection)
            : pool_(pool), connection_(std::move(connection)) {}
        Lease(Lease&&) = default;
        ~Lease() {
            if (connection_) pool_.idle_.put_nowait(std::move(connection_));
        }

        Connection* operator->() const { return connection_.get(); }

    private:
        ConnectionPool& pool_; // LIFETIME: the pool outlives its leases
        std::unique_ptr<Connection> connection_;
    };

    asyncio::Coro<Lease> acquire() {
        auto connection = co_await idle_.get();
        co_return Lease(*this, std::move(connection));
    }

private:
    asyncio::Queue<std::unique_ptr<Connection>> idle_;
};

asyncio::Coro<> client(int n, ConnectionPool& pool) {
    auto connection = co_await pool.acquire();
    auto answer = co_await connection->query("query " + std::to_string(n));
    std::printf("   %s\n", answer.c_str());
}

asyncio::Coro<> pools() {
    std::puts("\n8. A connection pool: two connections for five clients");
    ConnectionPool pool(2);
    std::vector<asyncio::Coro<>> clients;
    for (int n = 1; n <= 5; ++n) clients.push_back(client(n, pool));
    co_await asyncio::gather(std::move(clients));
}

asyncio::Coro<> main_() {
    co_await locks();
    co_await semaphores();
    co_await events();
    co_await conditions();
    co_await barriers();
    co_await queues();
    co_await orders();
    co_await pools();
}

int main() { asyncio::run(main_()); }
