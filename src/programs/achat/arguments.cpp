// SPDX-License-Identifier: MIT
// The command line of achat, read by hand: there is little to read.
#include "programs/achat/arguments.h"

#include <charconv>

namespace achat {

namespace {

using Words = std::span<const char* const>;

std::string text_value(std::string_view option, Words& words) {
    if (words.empty() || *words[0] == '\0') {
        throw UsageError(std::string(option) + " needs a value");
    }
    std::string value = words[0];
    words = words.subspan(1);
    return value;
}

std::size_t number_value(std::string_view option, Words& words, std::size_t smallest,
                         std::size_t largest) {
    const std::string text = text_value(option, words);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = error == std::errc() && end == text.data() + text.size();
    if (!is_number || number < smallest || number > largest) {
        throw UsageError(std::string(option) + " is a number from " + std::to_string(smallest) +
                         " to " + std::to_string(largest) + ", not " + text);
    }
    return number;
}

void read_demo_option(std::string_view option, Words& words, LoadPlan& plan) {
    if (option == "--clients") {
        plan.clients = number_value(option, words, 1, 500'000);
    } else if (option == "--room-size") {
        plan.room_size = number_value(option, words, 1, 10'000);
    } else if (option == "--rate") {
        plan.messages_per_second = number_value(option, words, 1, 1'000'000);
    } else if (option == "--seconds") {
        plan.time = std::chrono::seconds(number_value(option, words, 1, 3600));
    } else {
        throw UsageError("the demo has no option " + std::string(option));
    }
}

void read_serve_option(std::string_view option, Words& words, Arguments& arguments) {
    if (option == "--host") {
        arguments.host = text_value(option, words);
    } else if (option == "--port") {
        arguments.port = std::to_string(number_value(option, words, 0, 65535));
    } else {
        throw UsageError("serve has no option " + std::string(option));
    }
}

} // namespace

std::string_view usage_text() {
    return R"(usage: achat [demo] [--clients N] [--room-size N] [--rate N] [--seconds N]
       achat serve [--host HOST] [--port PORT]

A chat over TCP: rooms, names, a history, and lines that a person can type.

demo    runs the server and its clients in one process and one thread, and says what happened
  --clients N     how many; 1000
  --room-size N   about how many hear each other; 20
  --rate N        messages a second, of all clients together; 2000
  --seconds N     how long they talk; 10

serve   runs the server alone; talk to it with  nc -N 127.0.0.1 8888
  --host HOST     where it listens; 127.0.0.1
  --port PORT     8888; 0: any that is free

Ctrl-C ends both in order: clients are told goodbye, and what was said is delivered.

exit status: 0 all went well, 1 something failed, 2 wrong arguments, 130 ended by Ctrl-C
)";
}

Arguments parse_arguments(Words words) {
    Arguments arguments;
    const std::string_view first = words.empty() ? "" : words[0];
    if (first == "serve") arguments.task = Arguments::Task::serve;
    if (first == "serve" || first == "demo") words = words.subspan(1);
    while (!words.empty()) {
        const std::string_view option = words[0];
        words = words.subspan(1);
        if (option == "-h" || option == "--help") {
            arguments.task = Arguments::Task::help;
            return arguments;
        } else if (!option.starts_with("-")) {
            throw UsageError("what is " + std::string(option) + "?");
        } else if (arguments.task == Arguments::Task::serve) {
            read_serve_option(option, words, arguments);
        } else {
            read_demo_option(option, words, arguments.plan);
        }
    }
    return arguments;
}

} // namespace achat
