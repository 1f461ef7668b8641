// SPDX-License-Identifier: MIT
// LoopOptions: what a loop takes over from them.
#include "asyncio/loop_options.h"

#include "asyncio/events.h"
#include "asyncio/testing/testing.h"
#include "support/pipes.h"

#include <string>
#include <vector>

using namespace asyncio;
using support::Pipe;

namespace {

/// Says who it is, and when it goes.
class NamedBackend final : public EpollBackend {
public:
    explicit NamedBackend(bool& gone) : gone_(gone) {}
    ~NamedBackend() override { gone_ = true; }
    const char* name() const noexcept override { return "named"; }

private:
    bool& gone_;
};

// The order in which eight readers of pipes that are ready together are called.
std::vector<int> order_of_readers(std::uint64_t seed) {
    const std::vector<Pipe> pipes(8);
    EventLoop loop(LoopOptions().shuffle_seed(seed));
    std::vector<int> order;
    for (int i = 0; i < 8; ++i) {
        const Pipe& pipe = pipes[static_cast<std::size_t>(i)];
        pipe.put('x');
        loop.add_reader(pipe.in(), [&loop, &pipe, &order, i] {
            order.push_back(i);
            loop.remove_reader(pipe.in());
            if (order.size() == 8) loop.stop();
        });
    }
    loop.run_forever();
    return order;
}

} // namespace

TEST("LoopOptions: the loop owns its backend, and works on it") {
    bool gone = false;
    {
        EventLoop loop(LoopOptions().backend(std::make_unique<NamedBackend>(gone)));
        CHECK_EQ(std::string(loop.backend_name()), "named");
        loop.call_soon([&loop] { loop.stop(); });
        loop.run_forever();
        CHECK(!gone);
    }
    CHECK(gone);
    CHECK_EQ(std::string(EventLoop().backend_name()), "epoll");
}

TEST("LoopOptions: can be put together in one expression or in steps") {
    bool gone = false;
    LoopOptions options;
    options.backend(std::make_unique<NamedBackend>(gone));
    options.debug(true).shuffle_seed(1);
    const EventLoop loop(std::move(options));
    CHECK(loop.get_debug());
    CHECK_EQ(std::string(loop.backend_name()), "named");
    CHECK(!EventLoop(LoopOptions().shuffle_seed(1).debug(false)).get_debug());
}

TEST("LoopOptions: a seed permutes what is ready together, each time in the same way") {
    const std::vector<int> natural = order_of_readers(0);
    bool permuted = false;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        const std::vector<int> order = order_of_readers(seed);
        CHECK_EQ(order, order_of_readers(seed));
        permuted = permuted || order != natural;
    }
    CHECK(permuted);
}
