// SPDX-License-Identifier: MIT
// afaultproxy: stands between a client and a server, and spoils what goes through.
#include "asyncio/testing/fault_proxy.h"

#include <asyncio/asyncio.h>

#include <charconv>
#include <cstdio>
#include <string>
#include <vector>

using namespace asyncio;
using testing::FaultProxyOptions;
using testing::FaultRules;

namespace {

constexpr const char* usage_text =
    R"(usage: afaultproxy LISTEN_PORT HOST PORT [--up RULE...] [--down RULE...]

Passes connections to LISTEN_PORT on to PORT of HOST. Rules stand for what clients send (--up) or
for what the server sends (--down):

  delay=MS            every piece is so long under way
  split=BYTES         in parts of at most so many bytes
  coalesce=MS         what comes within this time goes in one piece
  throttle=BYTES      so many a second
  corrupt=POSITION    a bit of that byte is turned over
  inject=POSITION     an x is put in before that byte
  stall=BYTES         after so many bytes the connection hangs,
  drop=BYTES          or what follows is swallowed,
  half-close=BYTES    or this direction is ended,
  close=BYTES         or both are closed,
  reset=BYTES         or both are reset
)";

int usage() {
    std::fputs(usage_text, stderr); // tidy: print: what a program is asked with is its own affair
    return 2;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

// Returns false for a rule that does not exist.
bool add_rule(FaultRules& rules, std::string_view text) {
    const std::size_t sign = text.find('=');
    if (sign == std::string_view::npos) return false;
    const std::string_view name = text.substr(0, sign);
    const std::optional<std::uint64_t> number = number_of(text.substr(sign + 1));
    if (!number) return false;
    const auto ms = std::chrono::milliseconds(*number);
    const auto bytes = static_cast<std::size_t>(*number);
    if (name == "delay") {
        rules.delay(ms);
    } else if (name == "split") {
        rules.split(bytes);
    } else if (name == "coalesce") {
        rules.coalesce(ms);
    } else if (name == "throttle") {
        rules.throttle(bytes);
    } else if (name == "corrupt") {
        rules.corrupt(*number);
    } else if (name == "inject") {
        rules.inject(*number, "x");
    } else if (name == "stall") {
        rules.stall_after(*number);
    } else if (name == "drop") {
        rules.drop_after(*number);
    } else if (name == "half-close") {
        rules.half_close_after(*number);
    } else if (name == "close") {
        rules.close_after(*number);
    } else if (name == "reset") {
        rules.reset_after(*number);
    } else {
        return false;
    }
    return true;
}

Coro<> serve(std::string host, std::string port, FaultProxyOptions options) {
    const Server proxy =
        co_await testing::start_fault_proxy(std::move(host), std::move(port), std::move(options));
    co_await proxy.serve_forever();
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 3) return usage();
    FaultRules up;
    FaultRules down;
    FaultRules* present = nullptr;
    for (std::size_t i = 3; i < words.size(); ++i) {
        if (words[i] == "--up") {
            present = &up;
        } else if (words[i] == "--down") {
            present = &down;
        } else if (present == nullptr || !add_rule(*present, words[i])) {
            return usage();
        }
    }
    try {
        run(serve(words[1], words[2],
                  FaultProxyOptions().listen("127.0.0.1", words[0]).up(up).down(down)));
    } catch (const KeyboardInterrupt&) {
        return 0;
    } catch (const OSError& error) {
        std::fprintf(stderr, "afaultproxy: %s\n", error.what()); // tidy: print: as above
        return 1;
    }
}
