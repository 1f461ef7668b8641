// SPDX-License-Identifier: MIT
// A connection pool made of a queue: at most `size` connections, opened on demand, handed back at
// the end of the scope, and closed together. Tutorial 004, 连接池示例.
#include <asyncio/asyncio.h>

#include <deque>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

using namespace std::chrono_literals;

class Connection {
public:
    explicit Connection(std::size_t number) : number_(number) {
        std::cout << "connection " << number_ << " opened\n";
    }

    asyncio::Coro<std::string> query(asyncio::Duration delay) {
        co_await asyncio::sleep(delay);
        co_return "rows of connection " + std::to_string(number_);
    }

    asyncio::Coro<> close() {
        std::cout << "connection " << number_ << " closed\n";
        co_return;
    }

private:
    std::size_t number_;
};

struct Pool {
    struct HandBack {
        Pool* pool;
        void operator()(Connection* connection) const { pool->idle.put_nowait(connection); }
    };
    using Lease = std::unique_ptr<Connection, HandBack>;

    explicit Pool(std::size_t most) : size(most) {}

    asyncio::Coro<Connection*> take() {
        if (idle.empty() && opened.size() < size) co_return &opened.emplace_back(opened.size() + 1);
        co_return co_await idle.get();
    }

    asyncio::Coro<Lease> acquire(std::optional<asyncio::Duration> timeout = std::nullopt) {
        auto* connection = co_await asyncio::wait_for(take(), timeout);
        co_return Lease(connection, HandBack{this});
    }

    asyncio::Coro<> close() {
        for (auto& connection : opened) co_await connection.close();
    }

    std::size_t size;
    std::deque<Connection> opened;
    asyncio::LifoQueue<Connection*> idle;
};

asyncio::Coro<> client(int n, Pool& pool, asyncio::Duration delay) {
    auto connection = co_await pool.acquire();
    auto rows = co_await connection->query(delay);
    std::cout << "client " << n << ": " << rows << '\n';
}

asyncio::Coro<> main_() {
    Pool pool(2);
    co_await asyncio::gather(client(1, pool, 0.1s), client(2, pool, 0.25s), client(3, pool, 0.3s),
                             client(4, pool, 0.4s), client(5, pool, 0.05s));

    {
        auto first = co_await pool.acquire();
        auto second = co_await pool.acquire();
        try {
            auto third = co_await pool.acquire(0.1s);
            std::cout << "this is not reached\n";
        } catch (const asyncio::TimeoutError&) {
            std::cout << "no connection within 0.1\n";
        }
    }

    try {
        auto connection = co_await pool.acquire();
        throw asyncio::ValueError("a failed query");
    } catch (const asyncio::ValueError& e) {
        std::cout << "error passed on: " << e.what() << '\n';
    }
    std::cout << "idle: " << pool.idle.qsize() << " opened: " << pool.opened.size() << '\n';
    co_await pool.close();
}

int main() { asyncio::run(main_()); }
