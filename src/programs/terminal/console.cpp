// SPDX-License-Identifier: MIT
// What is written, and how a terminal replaces a line.
#include "programs/terminal/console.h"

#include "os/errors.h"

#include <cerrno>
#include <cstdlib>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace terminal {

namespace {

constexpr std::string_view indent = "   ";
constexpr std::string_view erase_line = "\r\x1b[K"; // to its beginning, and erase from there
constexpr std::size_t columns_default = 80;

bool is_terminal() {
    const char* kind = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

// A line that is as wide as the terminal would go on in the next row, and could not be replaced.
std::size_t columns_max() {
    winsize size{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return (known ? size.ws_col : columns_default) - 1;
}

} // namespace

Console::Console() : is_live_(is_terminal()) {}

void Console::title(std::string_view line) { write((std::string(line) += '\n')); }

void Console::heading(std::string_view text) {
    std::string line = "\n" + std::to_string(++headings_) + ". ";
    title(line += text);
}

void Console::say(std::string_view lines) {
    std::string text(is_live_ ? erase_line : std::string_view()); // a ^C may stand there, too
    has_live_line_ = false; // its next state will be shown below
    while (!lines.empty()) {
        const std::size_t end = lines.find('\n');
        text += indent;
        text += lines.substr(0, end);
        text += '\n';
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    }
    write(text);
}

void Console::show(std::string_view line) {
    if (!is_live_) return;
    std::string text(erase_line);
    text += (std::string(indent) += line).substr(0, columns_max());
    has_live_line_ = true;
    write(text);
}

void Console::clear() {
    if (std::exchange(has_live_line_, false)) write(erase_line);
}

void Console::write(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) { // somebody has made the terminal non-blocking
            pollfd writable{STDOUT_FILENO, POLLOUT, 0};
            ::poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            asyncio::os::throw_os_error(errno, "write", "stdout");
        }
    }
}

} // namespace terminal
