// SPDX-License-Identifier: MIT
// IntrusiveList: order, leaving from anywhere, handing over.
#include "base/intrusive_list.h"

#include "asyncio/testing/testing.h"

#include <array>
#include <deque>
#include <vector>

using asyncio::base::IntrusiveList;
using asyncio::base::ListNode;

namespace {

struct Node : ListNode {
    int value = 0;
};

std::array<Node, 4> four_nodes() {
    std::array<Node, 4> nodes;
    for (int i = 0; i < 4; ++i) nodes[static_cast<std::size_t>(i)].value = i;
    return nodes;
}

std::vector<int> values(const IntrusiveList<Node>& list) {
    std::vector<int> seen;
    for (const Node* n = list.front(); n != nullptr; n = list.after(n)) seen.push_back(n->value);
    return seen;
}

} // namespace

TEST("IntrusiveList: nodes come out in the order in which they joined") {
    auto nodes = four_nodes();
    IntrusiveList<Node> list;
    CHECK(list.empty());
    CHECK(list.pop_front() == nullptr);
    for (Node& node : nodes) list.push_back(&node);
    for (Node& node : nodes) CHECK(list.pop_front() == &node);
    CHECK(list.empty());
}

TEST("IntrusiveList: push_front goes before all others") {
    auto nodes = four_nodes();
    IntrusiveList<Node> list;
    list.push_front(&nodes[0]);
    list.push_back(&nodes[1]);
    list.push_front(&nodes[2]);
    CHECK_EQ(values(list), std::vector<int>({2, 0, 1}));
    while (list.pop_front() != nullptr) {
    }
}

TEST("IntrusiveList: a node can leave from the front, the middle and the end") {
    for (std::size_t leaver = 0; leaver < 4; ++leaver) {
        auto nodes = four_nodes();
        IntrusiveList<Node> list;
        for (Node& node : nodes) list.push_back(&node);
        list.remove(&nodes[leaver]);
        CHECK(!nodes[leaver].linked());
        std::vector<int> left{0, 1, 2, 3};
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(leaver));
        CHECK_EQ(values(list), left);
        while (list.pop_front() != nullptr) {
        }
    }
}

TEST("IntrusiveList: linked() tells who stands in a list, the only node too") {
    Node node;
    IntrusiveList<Node> list;
    CHECK(!node.linked());
    list.push_back(&node);
    CHECK(node.linked());
    CHECK(list.after(&node) == nullptr);
    list.remove(&node);
    CHECK(!node.linked());
    CHECK(list.empty());
    list.push_back(&node); // and it may come again
    CHECK(list.front() == &node);
    list.remove(&node);
}

TEST("IntrusiveList: take hands over the whole line and leaves an empty one") {
    auto nodes = four_nodes();
    IntrusiveList<Node> list;
    for (Node& node : nodes) list.push_back(&node);
    IntrusiveList<Node> all = list.take();
    CHECK(list.empty());
    CHECK_EQ(values(all), std::vector<int>({0, 1, 2, 3}));
    all.remove(&nodes[0]);
    list.push_back(&nodes[0]);
    CHECK_EQ(values(all), std::vector<int>({1, 2, 3}));
    CHECK_EQ(values(list), std::vector<int>({0}));
    list.remove(&nodes[0]);
    while (all.pop_front() != nullptr) {
    }
}

TEST("IntrusiveList: it holds what a deque would hold, whatever is done to both") {
    std::array<Node, 16> nodes;
    for (int i = 0; i < 16; ++i) nodes[static_cast<std::size_t>(i)].value = i;
    IntrusiveList<Node> list;
    std::deque<int> model;
    unsigned random = 12345;
    for (int step = 0; step < 20'000; ++step) {
        random = random * 1664525U + 1013904223U;
        Node& node = nodes[(random >> 16) % 16];
        if (node.linked()) {
            list.remove(&node);
            std::erase(model, node.value);
        } else if ((random >> 30) == 0) {
            list.push_front(&node);
            model.push_front(node.value);
        } else {
            list.push_back(&node);
            model.push_back(node.value);
        }
        REQUIRE(values(list) == std::vector<int>(model.begin(), model.end()));
    }
    while (list.pop_front() != nullptr) {
    }
}

TEST("IntrusiveList: a node that follows knows its line, and the last one has none behind it") {
    auto nodes = four_nodes();
    IntrusiveList<Node> list;
    CHECK(list.front() == nullptr);
    for (Node& node : nodes) list.push_back(&node);
    CHECK(list.after(&nodes[0]) == &nodes[1]);
    CHECK(list.after(&nodes[3]) == nullptr);
    list.remove(&nodes[1]);
    CHECK(list.after(&nodes[0]) == &nodes[2]);
}

TEST("link_before: before the head of a ring is its end, and unlink joins the neighbours") {
    ListNode ring{&ring, &ring};
    auto nodes = four_nodes();
    for (Node& node : nodes) link_before(ring, node);
    const auto values_in = [&ring] {
        std::vector<int> seen;
        for (const ListNode* node = ring.next; node != &ring; node = node->next) {
            seen.push_back(static_cast<const Node*>(node)->value);
        }
        return seen;
    };
    CHECK_EQ(values_in(), std::vector<int>({0, 1, 2, 3}));
    unlink(nodes[1]);
    unlink(nodes[3]);
    CHECK_EQ(values_in(), std::vector<int>({0, 2}));
    link_before(nodes[0], nodes[3]);
    CHECK_EQ(values_in(), std::vector<int>({3, 0, 2}));
    for (const int left : {3, 0, 2}) unlink(nodes[static_cast<std::size_t>(left)]);
    CHECK(ring.next == &ring);
    CHECK(ring.prev == &ring);
}
