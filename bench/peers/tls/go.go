// SPDX-License-Identifier: MIT
// Go's crypto/tls. go PORT CERT KEY
package main

import (
    "crypto/tls"
    "net"
    "os"
    "time"
)

func echo(connection net.Conn) {
    defer connection.Close()
    buffer := make([]byte, 64*1024)
    for {
        bytes, err := connection.Read(buffer)
        if err != nil {
            return
        }
        if _, err = connection.Write(buffer[:bytes]); err != nil {
            return
        }
    }
}

func main() {
    time.AfterFunc(900*time.Second, func() { os.Exit(9) })
    certificate, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
    if err != nil {
        os.Exit(1)
    }
    config := &tls.Config{Certificates: []tls.Certificate{certificate}}
    listener, err := tls.Listen("tcp", "127.0.0.1:"+os.Args[1], config)
    if err != nil {
        os.Exit(1)
    }
    for {
        if connection, err := listener.Accept(); err == nil {
            go echo(connection)
        }
    }
}
