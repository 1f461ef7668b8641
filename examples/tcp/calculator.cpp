// SPDX-License-Identifier: MIT
// A calculator as a service: each line that a client sends is a sum, each has a line as its answer.
// Usage: calculator PORT   (until Ctrl-C; without arguments it shows itself)
// Try:   nc localhost PORT
#include <asyncio/asyncio.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

constexpr std::size_t line_bytes_max = 1000; // which bounds the depth of parentheses, too
constexpr auto patience = 5min; // with a client that says nothing, or does not read

// ---- sums ---------------------------------------------------------------------------------------

/// Reads a sum from left to right: + - * / % and ^ with the usual precedence, and parentheses.
class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    /// Throws    ValueError: it is no sum. ZeroDivisionError.
    double value() {
        const double value = sum();
        if (!rest().empty()) throw complaint("an operator");
        if (!std::isfinite(value)) throw asyncio::ValueError("the result is out of range");
        return value + 0.0; // no -0
    }

private:
    double sum() {
        double value = product();
        while (true) {
            if (skip('+')) {
                value += product();
            } else if (skip('-')) {
                value -= product();
            } else {
                return value;
            }
        }
    }
    double product() {
        double value = factor();
        while (true) {
            if (skip('*')) {
                value *= factor();
            } else if (skip('/')) {
                value /= divisor();
            } else if (skip('%')) {
                value = std::fmod(value, divisor());
            } else {
                return value;
            }
        }
    }
    double divisor() {
        const double value = factor();
        if (value == 0) throw asyncio::ZeroDivisionError("division by zero");
        return value;
    }
    double factor() { // -2^2 is -4, and 2^-1 is 0.5
        if (skip('-')) return -factor();
        const double base = atom();
        return skip('^') ? std::pow(base, factor()) : base;
    }
    double atom() {
        if (skip('(')) {
            const double value = sum();
            if (!skip(')')) throw complaint("a )");
            return value;
        }
        const std::string_view digits = rest();
        // What begins with a letter is no number here, though "inf" is one to from_chars.
        if (digits.empty() || std::isalpha(static_cast<unsigned char>(digits[0]))) {
            throw complaint("a number");
        }
        double value = 0;
        const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
        if (error == std::errc::invalid_argument) throw complaint("a number");
        if (error != std::errc()) throw asyncio::ValueError("a number is out of range");
        at_ += static_cast<std::size_t>(end - digits.begin());
        return value;
    }

    std::string_view rest() {
        at_ = std::min(text_.find_first_not_of(" \t", at_), text_.size());
        return text_.substr(at_);
    }
    bool skip(char wanted) {
        if (!rest().starts_with(wanted)) return false;
        ++at_;
        return true;
    }
    asyncio::ValueError complaint(const std::string& missing) const {
        return asyncio::ValueError("column " + std::to_string(at_ + 1) + " should have " + missing);
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

std::string answer(std::string_view sum) {
    try {
        if (sum.size() > line_bytes_max) {
            throw asyncio::ValueError("a line has at most 1000 bytes");
        }
        char digits[32];
        const double value = Parser(sum).value();
        return {digits, std::to_chars(std::begin(digits), std::end(digits), value).ptr};
    } catch (const asyncio::Error& error) {
        return std::string("error: ") + error.what();
    }
}

// ---- the service --------------------------------------------------------------------------------

/// The next line, without its end; nothing: the client has ended. Of a line that is too long, only
/// a beginning that is too long as well: no client can make us keep more.
asyncio::Coro<std::optional<std::string>> next_line(asyncio::StreamReader reader) {
    std::string beginning;
    while (true) {
        std::size_t excess = 0;
        try {
            std::string line = co_await reader.readuntil("\n");
            if (!beginning.empty()) co_return beginning;
            line.erase(line.find_last_not_of("\r\n") + 1);
            co_return line;
        } catch (const asyncio::IncompleteReadError& end) {
            if (!beginning.empty()) co_return beginning;
            if (end.partial.empty()) co_return std::nullopt;
            co_return end.partial;
        } catch (const asyncio::LimitOverrunError& error) {
            excess = error.consumed;
        }
        std::string piece = co_await reader.readexactly(static_cast<std::ptrdiff_t>(excess));
        if (beginning.empty()) beginning = std::move(piece);
    }
}

asyncio::Coro<> serve_client(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    try {
        while (auto line = co_await asyncio::wait_for(next_line(reader), patience)) {
            if (*line == "quit") break;
            co_await asyncio::wait_for(writer.write_all(answer(*line) + "\n"), patience);
            co_await asyncio::yield_now(); // a thousand lines at once do not keep others waiting
        }
    } catch (const asyncio::TimeoutError&) {
        writer.write("error: you were silent for too long\n");
    } catch (const asyncio::ConnectionError&) {
        // The client is gone; there is nobody to tell.
    }
    writer.close();
    auto sent = co_await asyncio::outcome(asyncio::wait_for(writer.wait_closed(), 10s));
    if (sent.has_exception()) writer.transport().abort(); // it does not read what it asked for
}

asyncio::ServerOptions options() { return asyncio::ServerOptions().limit(line_bytes_max); }

asyncio::Coro<> serve(asyncio::Port port) {
    auto server = co_await asyncio::start_server(serve_client, "localhost", port, options());
    for (const auto& socket : server.sockets()) {
        std::cout << "calculator: listening on " << to_string(socket.getsockname()) << std::endl;
    }
    co_await server.serve_forever(1s); // after Ctrl-C, clients have a second to end
}

asyncio::Coro<> show() {
    auto server = co_await asyncio::start_server(serve_client, "127.0.0.1", 0, options());
    auto [reader, writer] =
        co_await asyncio::open_connection("127.0.0.1", server.sockets()[0].getsockname().port());
    const std::vector<std::string> sums{"1 + 2 * 3", "(1 + 2) * 3", "2 ^ -1",       "1 / 3",
                                        "7 / 0",     "7 +",         "hello, world", "10 ^ 400"};
    for (const std::string& sum : sums) {
        writer.write(sum + "\n");
        std::cout << "> " << sum << '\n' << co_await reader.readline();
    }
    writer.close();
    co_await server.shutdown(1s);
}

int main(int argc, char* argv[]) try {
    asyncio::run(argc > 1 ? serve(argv[1]) : show());
} catch (const asyncio::KeyboardInterrupt&) { // Ctrl-C
} catch (const std::exception& error) {
    std::clog << "calculator: " << error.what() << '\n';
    return 1;
}
