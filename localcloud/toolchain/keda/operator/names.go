// Beside KEDA's own main, which stays as it is: cluster names for an operator that runs without a cluster's name
// service. Names of Services and managed stores come from the runner's table (CONTENTGEN_NAMES, the same that the pods'
// processes read); there are no others, because nothing outside is reached from the embedded cloud.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"os"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

const ttlSeconds = 1

func init() {
	if table := os.Getenv("CONTENTGEN_NAMES"); table != "" {
		net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: answeringFrom(table)}
	}
}

// answeringFrom gives the resolver a name server that is a function: questions and answers go through a pipe, framed
// as over TCP.
func answeringFrom(table string) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer ours.Close()
			for serveOne(ours, table) == nil {
			}
		}()
		return theirs, nil
	}
}

func serveOne(conn io.ReadWriter, table string) error {
	var size uint16
	if err := binary.Read(conn, binary.BigEndian, &size); err != nil {
		return err
	}
	question := make([]byte, size)
	if _, err := io.ReadFull(conn, question); err != nil {
		return err
	}
	answer, err := reply(question, table)
	if err != nil {
		return err
	}
	framed := binary.BigEndian.AppendUint16(nil, uint16(len(answer)))
	_, err = conn.Write(append(framed, answer...))
	return err
}

func reply(packed []byte, table string) ([]byte, error) {
	var message dnsmessage.Message
	if err := message.Unpack(packed); err != nil {
		return nil, err
	}
	message.Response, message.RecursionAvailable = true, true
	message.Additionals = nil
	for _, question := range message.Questions {
		address, err := lookUp(question.Name.String(), table)
		if err != nil {
			return nil, err
		}
		if address == nil {
			message.RCode = dnsmessage.RCodeNameError
		} else if question.Type == dnsmessage.TypeA {
			header := dnsmessage.ResourceHeader{Name: question.Name, Class: question.Class, TTL: ttlSeconds}
			body := &dnsmessage.AResource{A: [4]byte(address)}
			message.Answers = append(message.Answers, dnsmessage.Resource{Header: header, Body: body})
		}
	}
	return message.Pack()
}

// lookUp is nil for a name that the table has not got. The table is read anew: Services come and go.
func lookUp(name string, table string) (net.IP, error) {
	text, err := os.ReadFile(table)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	if err := json.Unmarshal(text, &names); err != nil {
		return nil, err
	}
	plain := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "."), ".cluster.local"), ".svc")
	return net.ParseIP(names[plain]).To4(), nil
}
