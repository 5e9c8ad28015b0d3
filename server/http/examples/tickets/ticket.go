// Prints a ticket for a subject, good for an hour: three images of at most 20 MB each into the destination "photos".
//
//	PARTWAY_TICKET_SECRET=… go run ticket.go ada
//
// Needs Go's standard library alone.
package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

type limits struct {
	Destinations []string `json:"destinations,omitempty"`
	KeyPrefix    string   `json:"key_prefix,omitempty"`
	MaxFileSize  uint64   `json:"max_file_size,omitempty"`
	Types        []string `json:"types,omitempty"`
	MaxFiles     uint32   `json:"max_files,omitempty"`
}

func ticket(secret, subject string, partway limits, lifetime time.Duration) (string, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{
		"sub":     subject,
		"aud":     "partway",
		"exp":     time.Now().Add(lifetime).Unix(),
		"jti":     hex.EncodeToString(id),
		"partway": partway,
	})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(claims)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil)), nil
}

func main() {
	secret := os.Getenv("PARTWAY_TICKET_SECRET")
	if secret == "" || len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: PARTWAY_TICKET_SECRET=… go run ticket.go SUBJECT")
		os.Exit(1)
	}
	partway := limits{
		Destinations: []string{"photos"},
		KeyPrefix:    "albums/7/",
		MaxFileSize:  20_000_000,
		Types:        []string{"image/*"},
		MaxFiles:     3,
	}
	ticket, err := ticket(secret, os.Args[1], partway, time.Hour)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(ticket)
}
