package e2e
import ("testing";"time";"fmt";"github.com/xlb-project/xlb/maps";"github.com/xlb-project/xlb/test/netns";"os/exec")
func TestZZ(t *testing.T){
 topo := netns.TwoArmForTest(t, 3)
 serveNames(t, topo.Servers...)
 d := webDirector(t, topo, "")
 for i:=0;i<4;i++ {
  s,err:=maps.Open(d.PinDir); must(t,err)
  for id,h:=range s.NextHops.All() { fmt.Printf("%d %d %+v\n",i,id,h) }
  s.Close()
  topo.Director.Do(func() error { out,_:=exec.Command("ip","-d","neigh").CombinedOutput(); fmt.Println(string(out)); return nil})
  time.Sleep(700*time.Millisecond)
 }
 fmt.Println(d.Log)
}
