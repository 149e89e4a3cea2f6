package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"golang.org/x/crypto/bcrypt"
)

// A maker draws a value, adds it to the properties and returns the resource's id.
type maker func(props resource.PropertyMap) (string, error)

var kinds = map[tokens.Type]maker{
	"random:index/randomPassword:RandomPassword": password,
	"random:index/randomString:RandomString":     text,
	"random:index/randomId:RandomId":             identifier,
	"random:index/randomBytes:RandomBytes":       raw,
	"random:index/randomUuid:RandomUuid":         uuid,
}

// The classes of characters, their switches and minima, as the vendor's plugin has them.
var classes = []struct{ on, min, chars string }{
	{"lower", "minLower", "abcdefghijklmnopqrstuvwxyz"},
	{"upper", "minUpper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	{"numeric", "minNumeric", "0123456789"},
	{"special", "minSpecial", "!@#$%&*()-_=+[]{}<>:?"},
}

func password(props resource.PropertyMap) (string, error) {
	value, err := draw(props)
	if err != nil {
		return "", err
	}
	// bcrypt takes 72 bytes at most; the vendor's plugin cuts there too.
	hash, err := bcrypt.GenerateFromPassword([]byte(value)[:min(len(value), 72)], bcrypt.DefaultCost)
	if err != nil {
		return "", err
	}
	props["result"] = resource.MakeSecret(resource.NewProperty(value))
	props["bcryptHash"] = resource.MakeSecret(resource.NewProperty(string(hash)))
	return "none", nil
}

func text(props resource.PropertyMap) (string, error) {
	value, err := draw(props)
	props["result"] = resource.NewProperty(value)
	return value, err
}

func identifier(props resource.PropertyMap) (string, error) {
	b, err := bytes(props, "byteLength")
	if err != nil {
		return "", err
	}
	prefix := ""
	if v := plain(props["prefix"]); v.IsString() {
		prefix = v.StringValue()
	}
	id := base64.RawURLEncoding.EncodeToString(b)
	props["b64Url"] = resource.NewProperty(prefix + id)
	props["b64Std"] = resource.NewProperty(prefix + base64.StdEncoding.EncodeToString(b))
	props["hex"] = resource.NewProperty(prefix + hex.EncodeToString(b))
	props["dec"] = resource.NewProperty(prefix + new(big.Int).SetBytes(b).String())
	return id, nil
}

func raw(props resource.PropertyMap) (string, error) {
	b, err := bytes(props, "length")
	if err != nil {
		return "", err
	}
	props["base64"] = resource.MakeSecret(resource.NewProperty(base64.StdEncoding.EncodeToString(b)))
	props["hex"] = resource.MakeSecret(resource.NewProperty(hex.EncodeToString(b)))
	return "none", nil
}

func uuid(props resource.PropertyMap) (string, error) {
	b := make([]byte, 16)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	value := fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	props["result"] = resource.NewProperty(value)
	return value, nil
}

func bytes(props resource.PropertyMap, key resource.PropertyKey) ([]byte, error) {
	length := number(props, key)
	if length < 1 {
		return nil, fmt.Errorf("%s must be at least 1", key)
	}
	b := make([]byte, length)
	_, err := rand.Read(b)
	return b, err
}

func number(props resource.PropertyMap, key resource.PropertyKey) int {
	if v := plain(props[key]); v.IsNumber() {
		return int(v.NumberValue())
	}
	return 0
}

// draw makes a text of `length` characters out of the classes that are on, with their minima, and
// writes the defaults into the properties.
func draw(props resource.PropertyMap) (string, error) {
	length, all, out := number(props, "length"), "", []byte{}
	for _, class := range classes {
		on, least, chars := resource.PropertyKey(class.on), resource.PropertyKey(class.min), class.chars
		if v := plain(props["overrideSpecial"]); class.on == "special" && v.IsString() {
			chars = v.StringValue()
		}
		if !props.HasValue(on) {
			props[on] = resource.NewProperty(true)
		}
		if !props.HasValue(least) {
			props[least] = resource.NewProperty(0.0)
		}
		if v := plain(props[on]); v.IsBool() && v.BoolValue() {
			all += chars
		}
		for range min(number(props, least), length*len(chars)) {
			out = append(out, chars[below(len(chars))])
		}
	}
	if len(out) > length || all == "" {
		return "", errors.New("length is less than the sum of the minima, or every class of characters is off")
	}
	props["number"] = props["numeric"]
	for len(out) < length {
		out = append(out, all[below(len(all))])
	}
	for i := len(out) - 1; i > 0; i-- {
		j := below(i + 1)
		out[i], out[j] = out[j], out[i]
	}
	return string(out), nil
}

// below returns a number in [0, n) from the system's source; without it nothing can go on.
func below(n int) int {
	v, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err)
	}
	return int(v.Int64())
}
